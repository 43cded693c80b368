/** Sign: one card to sign up or sign in. */

import { useState } from "preact/hooks";
import { api } from "../net/api";
import { here } from "../net/base";
import { loadMe } from "../ui/me";
import { Brand, ErrorNote, Field, Spinner } from "../ui/parts";
import { go } from "../ui/route";

const STRIP = ["maya", "kenji", "leila", "samuel", "fox"];

export function SignScreen({ next }: { next: string }) {
  const [isNew, setNew] = useState(true);
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    if (!name.trim() || !password) {
      setError("Fill in a name and a password.");
      return;
    }
    setBusy(true);
    setError(null);
    try {
      if (isNew) await api.signUp(name.trim(), password);
      await api.signIn(name.trim(), password);
      await loadMe();
      go(isNew ? `/avatar?next=${encodeURIComponent(next)}` : next, true);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
      setBusy(false);
    }
  };

  return (
    <main class="centre">
      <form class="card" onSubmit={submit}>
        <Brand />
        <div class="crowd-strip" aria-hidden="true">
          {STRIP.map((key) => (
            <img key={key} src={here(`/art/avatars/${key}.svg`)} alt="" />
          ))}
        </div>
        <div>
          <h1>{isNew ? "Come on in" : "Welcome back"}</h1>
          <p class="muted">
            {isNew ? "Pick a name and walk around with everybody else." : "Sign in to go where you left off."}
          </p>
        </div>
        <Field
          id="name"
          label="Name"
          value={name}
          onValue={setName}
          input={{ autocomplete: "username", maxLength: 64, required: true, autofocus: true }}
        />
        <Field
          id="password"
          label="Password"
          value={password}
          onValue={setPassword}
          input={{ type: "password", autocomplete: isNew ? "new-password" : "current-password", required: true }}
        />
        {error && <ErrorNote>{error}</ErrorNote>}
        <button type="submit" class="button primary" disabled={isBusy}>
          {isBusy ? <Spinner label="One moment" /> : isNew ? "Sign up" : "Sign in"}
        </button>
        <p class="small">
          {isNew ? "Been here before? " : "New here? "}
          <button
            type="button"
            class="button quiet small"
            onClick={() => {
              setNew(!isNew);
              setError(null);
            }}
          >
            {isNew ? "Sign in instead" : "Sign up instead"}
          </button>
        </p>
      </form>
    </main>
  );
}
