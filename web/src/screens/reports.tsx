/** Reports: what people report about others with no one in the space above them, for admins. */

import { here } from "../net/base";
import { reportsApi } from "../net/reports-api";
import { Brand, ErrorNote } from "../ui/controls";
import { me } from "../ui/me";
import { type ReportsPort, ReportsTab } from "../ui/settings/reports";

const PORT: ReportsPort = {
  list: (state, before) => reportsApi.forAdmins(state, before),
  answer: ({ id }, answer) => reportsApi.answerAsAdmin(id, answer),
};

export function ReportsScreen() {
  const isAdmin = me.value?.role === "admin";
  return (
    <>
      <header class="top">
        <Brand />
        <span class="grow" />
        <a class="button quiet" href={here("/")}>
          Lobby
        </a>
      </header>
      <main class="page">
        <h1>Reports</h1>
        {isAdmin ? (
          <>
            <p class="muted">
              About owners, admins and moderators, where no one else in the space is above them.
              Moderators find the others in the settings of their space.
            </p>
            <ReportsTab port={PORT} hasSpaces />
          </>
        ) : (
          <ErrorNote>
            This page is for admins. Ask one to make you an admin, or go back to the lobby.
          </ErrorNote>
        )}
      </main>
    </>
  );
}
