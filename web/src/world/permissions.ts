/**
 * Permissions: the roles of a space in their order. The server decides who may do what, and says
 * so; this is for showing only what it would not refuse.
 */

/** From the lowest up. */
export const ROLES = ["guest", "visitor", "member", "builder", "moderator", "owner"] as const;

export type Role = (typeof ROLES)[number];

/** What a user may do in a space, as the server names it. */
export type Permission =
  | "say"
  | "share"
  | "build"
  | "invite"
  | "admit"
  | "announce"
  | "delete-messages"
  | "moderate"
  | "manage-chat"
  | "describe"
  | "assign-roles"
  | "manage-access"
  | "delete";

/** How people call a role. */
const NAMES: Record<Role, string> = {
  guest: "Guest",
  visitor: "Visitor",
  member: "Member",
  builder: "Builder",
  moderator: "Moderator",
  owner: "Owner",
};

/** What people with a role may do more than those with the one before it. */
const HINTS: Record<Role, string> = {
  guest: "has no account",
  visitor: "comes in, and is no member",
  member: "comes in at any time",
  builder: "also changes what stands here",
  moderator: "also looks after the people here",
  owner: "decides everything",
};

/** The name of a role; of one that this version does not know, its word. */
export function nameOfRole(role: string): string {
  return isRole(role) ? NAMES[role] : role;
}

export function hintOfRole(role: string): string {
  return isRole(role) ? HINTS[role] : "";
}

/** Whether a person with the first role may act on one with the second: a higher one is needed. */
export function isAbove(one: string, other: string): boolean {
  return rank(one) > rank(other);
}

/** The roles that a person may give to others: below their own. */
export function rolesToGive(own: string): Role[] {
  return ROLES.slice(rank("member"), Math.max(rank("member"), rank(own))).filter(
    (role) => role !== "owner",
  );
}

/** The roles that an invite of that person can have. */
export function rolesToInvite(own: string): Role[] {
  return ROLES.slice(rank("visitor"), rank("moderator")).filter((role) => isAbove(own, role));
}

const isRole = (word: string): word is Role => ROLES.some((role) => role === word);

/** A role that this version does not know is below all others. */
const rank = (role: string) => (isRole(role) ? ROLES.indexOf(role) : -1);
