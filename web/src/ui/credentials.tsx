/** Credentials: a name and a password to sign up or in with, and why that failed. */

import { useState } from "preact/hooks";
import { api } from "../net/api";
import { ErrorNote, Field, Spinner } from "./controls";
import { loadMe } from "./me";
import { PasswordField } from "./password";
import { go } from "./route";

/**
 * What is filled in. Submitting does the first step, then signs in and goes to `next`; what is
 * thrown is shown.
 */
export function useCredentials(
  first: (name: string, password: string) => Promise<void>,
  next: string,
) {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setError(null);
    try {
      await first(name.trim(), password);
      await api.signIn(name.trim(), password);
      await loadMe();
      go(next, true);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
      setBusy(false);
    }
  };

  return { name, setName, password, setPassword, error, setError, isBusy, submit };
}

interface CredentialFieldsProps {
  credentials: ReturnType<typeof useCredentials>;
  nameLabel: string;
  /** Characters that a new password has at least; nothing for one that exists. */
  least?: number | undefined;
  /** What the button says. */
  action: string;
  /** What it says while that is done. */
  doing: string;
}

/** The fields, and the button of the form around them. */
export function CredentialFields({
  credentials,
  nameLabel,
  least,
  action,
  doing,
}: CredentialFieldsProps) {
  const { name, setName, password, setPassword, error, isBusy } = credentials;
  return (
    <>
      <Field
        id="name"
        label={nameLabel}
        value={name}
        onValue={setName}
        input={{ autocomplete: "username", maxLength: 64, required: true, autofocus: true }}
      />
      <PasswordField
        // A password that was shown is hidden in the other kind of field.
        key={least === undefined ? "known" : "new"}
        id="password"
        label="Password"
        value={password}
        onValue={setPassword}
        least={least}
      />
      {error && <ErrorNote>{error}</ErrorNote>}
      <button type="submit" class="button primary" disabled={isBusy}>
        {isBusy ? <Spinner label={doing} /> : action}
      </button>
    </>
  );
}
