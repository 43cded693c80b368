/** Reports: what people report about others with no one in the space above them, for admins. */

import { reportsApi } from "../net/reports-api";
import { AdminPage } from "../ui/admin-page";
import { type ReportsPort, ReportsTab } from "../ui/settings/reports";

const PORT: ReportsPort = {
  list: (state, before) => reportsApi.forAdmins(state, before),
  answer: ({ id }, answer) => reportsApi.answerAsAdmin(id, answer),
};

export function ReportsScreen() {
  return (
    <AdminPage title="Reports">
      <p class="muted">
        About owners, admins and moderators, where no one else in the space is above them.
        Moderators find the others in the settings of their space.
      </p>
      <ReportsTab port={PORT} hasSpaces />
    </AdminPage>
  );
}
