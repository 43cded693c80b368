/**
 * Access: the five choices of who may enter a space, in place of the two properties that the server
 * knows: the policy, and whether the lobby lists the space.
 */

export type AccessChoice = "public" | "unlisted" | "password" | "members" | "invite-only";

export const ACCESS_CHOICES: readonly {
  choice: AccessChoice;
  name: string;
  hint: string;
}[] = [
  { choice: "public", name: "Public", hint: "Everyone comes in. The lobby shows it." },
  { choice: "unlisted", name: "Unlisted", hint: "Everyone with the link comes in." },
  { choice: "password", name: "Password", hint: "People who know its password come in." },
  { choice: "members", name: "Members", hint: "Members come in. The lobby shows it." },
  {
    choice: "invite-only",
    name: "Invite only",
    hint: "Members come in. For others it does not exist.",
  },
];

interface Properties {
  accessPolicy: string;
  listed: boolean;
}

/** A policy that this version does not know counts as the strictest. */
export function accessChoiceOf({ accessPolicy, listed }: Properties): AccessChoice {
  if (accessPolicy === "open") return listed ? "public" : "unlisted";
  if (accessPolicy === "password") return "password";
  return listed ? "members" : "invite-only";
}

/** A space with a password is listed or not, as it was before. */
export function propertiesOf(choice: AccessChoice, wasListed: boolean): Properties {
  switch (choice) {
    case "public":
      return { accessPolicy: "open", listed: true };
    case "unlisted":
      return { accessPolicy: "open", listed: false };
    case "password":
      return { accessPolicy: "password", listed: wasListed };
    case "members":
      return { accessPolicy: "members", listed: true };
    case "invite-only":
      return { accessPolicy: "members", listed: false };
    default:
      return choice satisfies never;
  }
}
