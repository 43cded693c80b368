/** Account: change the own password, see where one is signed in, and sign out there. */

import { useState } from "preact/hooks";
import { api } from "../net/api";
import { keepToken } from "../net/http";
import { useAttempt } from "./attempt";
import { Dialog, ErrorNote, IconButton, Spinner } from "./controls";
import { me } from "./me";
import { PasswordField } from "./password";
import { Sessions } from "./sessions";
import { useSignUp } from "./sign-up";

export function AccountDialog({ onClose }: { onClose: () => void }) {
  const [current, setCurrent] = useState("");
  const [chosen, setChosen] = useState("");
  const [said, setSaid] = useState("");
  const { error, isBusy, run } = useAttempt();

  const change = (event: Event) => {
    event.preventDefault();
    setSaid("");
    void run(async () => {
      await api.changePassword(current, chosen);
      setCurrent("");
      setChosen("");
      setSaid("The password is changed. Everywhere else you are signed out.");
    });
  };

  const signOutEverywhere = () => {
    setSaid("");
    return run(async () => {
      await api.signOutEverywhere();
      keepToken(null);
      me.value = null;
    });
  };

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
        <Passwords current={current} chosen={chosen} onCurrent={setCurrent} onChosen={setChosen} />
        {error && <ErrorNote>{error}</ErrorNote>}
        <p role="status">{said}</p>
        <button type="submit" class="button primary" disabled={isBusy || !current || !chosen}>
          {isBusy ? <Spinner label="One moment" /> : "Change it"}
        </button>
        <h2>Where you are signed in</h2>
        <Sessions />
        <button type="button" class="button" onClick={signOutEverywhere}>
          Sign out everywhere
        </button>
        <p class="small muted">Ends every session of yours, this one too.</p>
      </form>
    </Dialog>
  );
}

interface PasswordsProps {
  current: string;
  chosen: string;
  onCurrent: (password: string) => void;
  onChosen: (password: string) => void;
}

/** The current and the next password; the hidden name is for password managers. */
function Passwords({ current, chosen, onCurrent, onChosen }: PasswordsProps) {
  const rules = useSignUp();
  return (
    <>
      <input type="text" autocomplete="username" value={me.value?.username ?? ""} readOnly hidden />
      <PasswordField
        id="current-password"
        label="Current password"
        value={current}
        onValue={onCurrent}
      />
      <PasswordField
        id="next-password"
        label="New password"
        value={chosen}
        onValue={onChosen}
        least={rules?.passwordChars ?? 1}
      />
    </>
  );
}
