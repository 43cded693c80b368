/** Setup: the first admin of a new server, once, by the link that the server printed. */

import { useState } from "preact/hooks";
import { api } from "../net/api";
import { loadMe } from "../ui/me";
import { Brand, ErrorNote, Field, Spinner } from "../ui/parts";
import { go } from "../ui/route";

export function SetupScreen({ token }: { token: string }) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await api.setUp(token, name.trim(), password);
      await api.signIn(name.trim(), password);
      await loadMe();
      go("/avatar?next=%2F", true);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
      setBusy(false);
    }
  };

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
        <Field
          id="password"
          label="Password"
          value={password}
          onValue={setPassword}
          input={{ type: "password", autocomplete: "new-password", required: true }}
        />
        {error && <ErrorNote>{error}</ErrorNote>}
        <button type="submit" class="button primary" disabled={isBusy}>
          {isBusy ? <Spinner label="Setting up" /> : "Become the admin"}
        </button>
      </form>
    </main>
  );
}
