/** Setup: the first admin of a new server, once, by the link that the server printed. */

import { useEffect, useState } from "preact/hooks";
import { api, type SetupState } from "../net/api";
import { here } from "../net/base";
import { loadMe } from "../ui/me";
import { Brand, ErrorNote, Field, Spinner } from "../ui/parts";
import { PasswordField } from "../ui/password";
import { go } from "../ui/route";
import { useSignUp } from "../ui/sign-up";

export function SetupScreen({ token }: { token: string | null }) {
  const rules = useSignUp();
  const [state, setState] = useState<SetupState | null>(null);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const look = () => {
    setError(null);
    api.setupState(token ?? "").then(setState, (caught: Error) => setError(caught.message));
  };
  useEffect(look, [token]);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await api.setUp(token ?? "", name.trim(), password);
      await api.signIn(name.trim(), password);
      await loadMe();
      go("/avatar?next=%2F", true);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
      setBusy(false);
    }
  };

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
      <form class="card" onSubmit={submit}>
        <Brand />
        <div>
          <h1>Set up your server</h1>
          <p class="muted">You become its admin. This link works once.</p>
        </div>
        <Field
          id="name"
          label="Your name"
          value={name}
          onValue={setName}
          input={{ autocomplete: "username", maxLength: 64, required: true, autofocus: true }}
        />
        <PasswordField
          id="password"
          label="Password"
          value={password}
          onValue={setPassword}
          least={rules.passwordChars}
        />
        {error && <ErrorNote>{error}</ErrorNote>}
        <button type="submit" class="button primary" disabled={isBusy}>
          {isBusy ? <Spinner label="Setting up" /> : "Become the admin"}
        </button>
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
              The server prints a new link each time it starts, and only the newest works. Look at what it printed last,
              or make an admin on the machine that it runs on:
            </p>
          ) : (
            <p>
              This server has an admin already. They, or those who run it, make another one on the machine that it runs
              on:
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
