/** Keep name: a guest makes an account, and stays who they are. */

import { useState } from "preact/hooks";
import { accessApi } from "../net/access-api";
import { useAttempt } from "./attempt";
import { Dialog, ErrorNote, Field, IconButton, Spinner } from "./controls";
import { loadMe, me } from "./me";
import { PasswordField } from "./password";
import { useSignUp } from "./sign-up";

/** What the server adds to the name of a guest. */
const MARK = / \(guest\)$/;

/** For guests only: the button, and what it opens. */
export function KeepName({ class: className = "" }: { class?: string }) {
  const [isOpen, setOpen] = useState(false);
  if (!me.value?.isGuest && !isOpen) return null;
  return (
    <>
      <button type="button" class={`button small ${className}`} onClick={() => setOpen(true)}>
        Keep my name
      </button>
      {isOpen && <KeepNameDialog onClose={() => setOpen(false)} />}
    </>
  );
}

export function KeepNameDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState(me.value?.username.replace(MARK, "") ?? "");
  const [password, setPassword] = useState("");
  const [isDone, setDone] = useState(false);
  const rules = useSignUp();
  const { error, isBusy, run } = useAttempt();
  const submit = (event: Event) => {
    event.preventDefault();
    void run(async () => {
      await accessApi.keepGuest(name.trim(), password);
      await loadMe();
      setDone(true);
    });
  };
  return (
    <Dialog title="Keep my name" onClose={onClose}>
      <form onSubmit={isDone ? onClose : submit}>
        <div class="row spread">
          <h2>Keep my name</h2>
          <IconButton icon="close" label="Close" class="quiet" onClick={onClose} />
        </div>
        {isDone ? (
          <p role="status">
            You have an account now. Others see your new name when you come in the next time.
          </p>
        ) : (
          <>
            <p class="muted">
              Without an account you are forgotten a day after your last visit. With one you keep
              your name, your look and what you wrote, and come in on every device.
            </p>
            <Field
              id="kept-name"
              label="Name"
              value={name}
              onValue={setName}
              input={{ autocomplete: "username", maxLength: 64, required: true }}
            />
            <PasswordField
              id="kept-password"
              label="Password"
              value={password}
              onValue={setPassword}
              least={rules?.passwordChars ?? 1}
            />
            {error && <ErrorNote>{error}</ErrorNote>}
          </>
        )}
        <button type="submit" class="button primary" disabled={isBusy}>
          {isBusy ? <Spinner label="One moment" /> : isDone ? "Go on" : "Make an account"}
        </button>
      </form>
    </Dialog>
  );
}
