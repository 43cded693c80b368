/** Main: the screen that belongs to the address. */

import { render } from "preact";
import { whenSignedOut } from "./net/http";
import { AvatarScreen } from "./screens/avatar";
import { ClusterScreen } from "./screens/cluster";
import { InviteScreen, OutsideScreen } from "./screens/invite";
import { LobbyScreen } from "./screens/lobby";
import { ReportsScreen } from "./screens/reports";
import { SetupScreen } from "./screens/setup";
import { SignScreen } from "./screens/sign";
import { SpaceScreen } from "./screens/space";
import { Brand, ErrorNote, Spinner } from "./ui/controls";
import { useArrival } from "./ui/focus";
import { loadMe, me, meFailure } from "./ui/me";
import { address, go } from "./ui/route";
import "./ui/theme";

function App() {
  const url = new URL(address.value, location.origin);
  const next = safeNext(url.searchParams.get("next"));
  useArrival(
    [
      url.pathname,
      me.value === undefined ? "" : me.value === null ? "out" : "in",
      meFailure.value ?? "",
    ].join(" "),
  );
  if (url.pathname === "/setup") return <SetupScreen token={setupToken} />;
  if (meFailure.value) {
    return (
      <main class="centre">
        <div class="card">
          <Brand />
          <ErrorNote>{meFailure.value}</ErrorNote>
          <button type="button" class="button primary" onClick={loadMe}>
            Try again
          </button>
        </div>
      </main>
    );
  }
  if (me.value === undefined) {
    return (
      <main class="centre">
        <Spinner label="One moment" />
      </main>
    );
  }
  const invite = idIn(url, "i");
  if (invite) return <InviteScreen key={invite} token={invite} />;
  const space = idIn(url, "s");
  if (me.value === null && space)
    return <OutsideScreen key={space} id={space} from={url.pathname + url.search} />;
  if (me.value === null)
    return <SignScreen next={url.pathname === "/signin" ? next : url.pathname} />;
  if (space) return <SpaceScreen key={space} id={space} />;
  if (url.pathname === "/admin") return <ClusterScreen />;
  if (url.pathname === "/admin/reports") return <ReportsScreen />;
  if (url.pathname === "/avatar") return <AvatarScreen next={next} />;
  if (url.pathname !== "/") leave(address.value, url.pathname === "/signin" ? next : "/");
  return <LobbyScreen />;
}

/** What an address like `/s/ID` is about. */
function idIn(url: URL, folder: "i" | "s"): string | undefined {
  const id = new RegExp(`^/${folder}/([^/]+)/?$`).exec(url.pathname)?.[1];
  return id && decodeURIComponent(id);
}

/**
 * Goes on from an address with no screen of its own, unless a screen that has just signed a person
 * in does so itself.
 */
function leave(from: string, to: string): void {
  setTimeout(() => {
    if (address.value === from) go(to, true);
  });
}

/** Only paths of Plaza: an address from outside cannot send a person elsewhere. */
function safeNext(next: string | null): string {
  return next?.startsWith("/") && !next.startsWith("//") ? next : "/";
}

/**
 * The token of a set-up link leaves the address bar at once: it must not be seen over a shoulder,
 * or kept in the history.
 */
function takeSetupToken(): string | null {
  const url = new URL(address.value, location.origin);
  const token = url.searchParams.get("token");
  if (url.pathname === "/setup" && token !== null) go("/setup", true);
  return token;
}

const setupToken = takeSetupToken();
whenSignedOut(() => {
  me.value = null;
});
void loadMe();
const app = document.getElementById("app");
if (app) render(<App />, app);
