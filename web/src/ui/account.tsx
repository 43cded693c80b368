/** Account: change the own password, and end every session. */

import { useState } from "preact/hooks";
import { api } from "../net/api";
import { keepToken } from "../net/http";
import { Dialog, ErrorNote, IconButton, Spinner } from "./controls";
import { me } from "./me";
import { PasswordField } from "./password";
import { useSignUp } from "./sign-up";

export function AccountDialog({ onClose }: { onClose: () => void }) {
  const [current, setCurrent] = useState("");
  const [chosen, setChosen] = useState("");
  const [said, setSaid] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const rules = useSignUp();

  const during = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(null);
    setSaid("");
    try {
      await work();
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
    }
    setBusy(false);
  };

  const change = (event: Event) => {
    event.preventDefault();
    void during(async () => {
      await api.changePassword(current, chosen);
      setCurrent("");
      setChosen("");
      setSaid("The password is changed. Everywhere else you are signed out.");
    });
  };

  const signOutEverywhere = () =>
    during(async () => {
      await api.signOutEverywhere();
      keepToken(null);
      me.value = null;
    });

  return (
    <Dialog title="Your account" onClose={onClose}>
      <form onSubmit={change}>
        <div class="row spread">
          <h1>{me.value?.username}</h1>
          <IconButton icon="close" label="Close" class="quiet" onClick={onClose} />
        </div>
        {me.value?.looksAlike && (
          <p class="small">
            Your name looks like an earlier one. Others see it with the mark “look-alike”. Sign in
            with it exactly as it is written above.
          </p>
        )}
        <h2>Change the password</h2>
        <input
          type="text"
          autocomplete="username"
          value={me.value?.username ?? ""}
          readOnly
          hidden
        />
        <PasswordField
          id="current-password"
          label="Current password"
          value={current}
          onValue={setCurrent}
        />
        <PasswordField
          id="next-password"
          label="New password"
          value={chosen}
          onValue={setChosen}
          least={rules?.passwordChars ?? 1}
        />
        {error && <ErrorNote>{error}</ErrorNote>}
        <p role="status">{said}</p>
        <button type="submit" class="button primary" disabled={isBusy || !current || !chosen}>
          {isBusy ? <Spinner label="One moment" /> : "Change it"}
        </button>
        <h2>Other devices</h2>
        <button type="button" class="button" onClick={signOutEverywhere}>
          Sign out everywhere
        </button>
        <p class="small muted">Ends every session of yours, this one too.</p>
      </form>
    </Dialog>
  );
}
