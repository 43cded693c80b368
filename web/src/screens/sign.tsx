/** Sign: one card to sign up or sign in. An invite opens it with what it admits to. */

import { useState } from "preact/hooks";
import { api, type Invite } from "../net/api";
import { here } from "../net/base";
import { Brand, Spinner } from "../ui/controls";
import { CredentialFields, useCredentials } from "../ui/credentials";
import { useSignUp } from "../ui/sign-up";

const STRIP = ["maya", "kenji", "leila", "samuel", "fox"];

interface SignProps {
  next: string;
  /** An invite to the server, with its token. */
  invite?: Invite & { token: string };
}

export function SignScreen({ next, invite }: SignProps) {
  const rules = useSignUp();
  const [wish, setWish] = useState<"up" | "in" | null>(null);
  const isInvited = invite !== undefined;
  const maySignUp = rules?.policy === "open" || (rules?.policy === "invite" && isInvited);
  const isNew = wish === null ? maySignUp : wish === "up";
  const credentials = useCredentials(
    async (name, password) => {
      if (!name || !password) throw new Error("Fill in a name and a password.");
      if (isNew) await api.signUp(name, password, invite?.token);
    },
    isNew ? `/avatar?next=${encodeURIComponent(next)}` : next,
  );

  if (!rules) {
    return (
      <main class="centre">
        <Spinner label="One moment" />
      </main>
    );
  }
  const swap = () => {
    setWish(isNew ? "in" : "up");
    credentials.setError(null);
  };

  return (
    <main class="centre">
      <form class="card" onSubmit={credentials.submit}>
        <Brand />
        <div class="crowd-strip" aria-hidden="true">
          {STRIP.map((key) => (
            <img key={key} src={here(`/art/avatars/${key}.svg`)} alt="" />
          ))}
        </div>
        <div>
          <h1>{titleOf(isNew, maySignUp, isInvited)}</h1>
          {(maySignUp || !isNew) && (
            <p class="muted">{isNew ? welcome(invite) : "Sign in to go where you left off."}</p>
          )}
        </div>
        {isNew && !maySignUp ? (
          <p role="status">{closed(rules.policy)}</p>
        ) : (
          <CredentialFields
            credentials={credentials}
            nameLabel="Name"
            least={isNew ? rules.passwordChars : undefined}
            action={isNew ? "Sign up" : "Sign in"}
            doing="One moment"
          />
        )}
        <p class="small">
          {isNew ? "Been here before? " : "New here? "}
          <button type="button" class="button quiet small" onClick={swap}>
            {isNew ? "Sign in instead" : "Sign up instead"}
          </button>
        </p>
      </form>
    </main>
  );
}

function titleOf(isNew: boolean, maySignUp: boolean, isInvited: boolean): string {
  if (!isNew) return "Welcome back";
  if (!maySignUp) return "No sign-up here";
  return isInvited ? "You are invited" : "Come on in";
}

function welcome(invite: Invite | undefined): string {
  if (!invite) return "Pick a name and walk around with everybody else.";
  const until =
    invite.expiresAt === null ? "" : ` until ${new Date(invite.expiresAt).toLocaleString()}`;
  const left =
    invite.usesLeft === null
      ? ""
      : invite.usesLeft === 1
        ? ", for one person"
        : `, for ${invite.usesLeft} people`;
  const validity = `It is good${until || " for now"}${left}.`;
  return `This link lets you sign up on this server. ${validity} Pick a name to begin.`;
}

function closed(policy: string): string {
  return policy === "invite"
    ? "Signing up here needs an invite: open the link that you were sent, or ask an admin for one."
    : "Signing up is closed on this server. Ask an admin for an account.";
}
