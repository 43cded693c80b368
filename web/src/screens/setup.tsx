/** Setup: the first admin of a new server, once, by the link that the server printed. */

import { useEffect, useState } from "preact/hooks";
import { api, type SetupState } from "../net/api";
import { here } from "../net/base";
import { Brand, ErrorNote, Spinner } from "../ui/controls";
import { CredentialFields, useCredentials } from "../ui/credentials";
import { useSignUp } from "../ui/sign-up";

export function SetupScreen({ token }: { token: string | null }) {
  const rules = useSignUp();
  const [state, setState] = useState<SetupState | null>(null);
  const [error, setError] = useState<string | null>(null);
  const credentials = useCredentials(
    (name, password) => api.setUp(token ?? "", name, password),
    "/avatar?next=%2F",
  );

  const look = () => {
    setError(null);
    api.setupState(token ?? "").then(setState, (caught: Error) => setError(caught.message));
  };
  useEffect(look, [token]);

  if (!state || !rules) {
    return (
      <main class="centre">
        {error ? (
          <div class="card">
            <Brand />
            <ErrorNote>{error}</ErrorNote>
            <button type="button" class="button primary" onClick={look}>
              Try again
            </button>
          </div>
        ) : (
          <Spinner label="Looking at the link" />
        )}
      </main>
    );
  }
  if (state.good !== true) return <NoLonger isNeeded={state.needed} />;
  return (
    <main class="centre">
      <form class="card" onSubmit={credentials.submit}>
        <Brand />
        <div>
          <h1>Set up your server</h1>
          <p class="muted">You become its admin. This link works once.</p>
        </div>
        <CredentialFields
          credentials={credentials}
          nameLabel="Your name"
          least={rules.passwordChars}
          action="Become the admin"
          doing="Setting up"
        />
      </form>
    </main>
  );
}

function NoLonger({ isNeeded }: { isNeeded: boolean }) {
  return (
    <main class="centre">
      <div class="card">
        <Brand />
        <div role="alert">
          <h1>This set-up link is no longer good</h1>
          {isNeeded ? (
            <p>
              The server prints a new link each time it starts, and only the newest works. Look at
              what it printed last, or make an admin on the machine that it runs on:
            </p>
          ) : (
            <p>
              This server has an admin already. They, or those who run it, make another one on the
              machine that it runs on:
            </p>
          )}
        </div>
        <pre>
          <code>plaza admin create NAME</code>
        </pre>
        <a class="button primary" href={here("/")}>
          To the front page
        </a>
      </div>
    </main>
  );
}
