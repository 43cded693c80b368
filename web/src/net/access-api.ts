/**
 * Access api: the server's HTTP calls about who may enter a space and what they may do there, and
 * the parsers of their answers.
 */

import { ask, keepToken, type RawSchema, type Schema, tell } from "./http";
import { boolean, list, nullable, number, object, string } from "./parse";

/** Who may enter a space, and how this user stands to it. */
export type AccessView = Schema<"AccessView">;
/** Why this user may not enter. */
export type Refusal = Schema<"RefusalView">;
/** What a moderator took from this user. */
export type Mute = Schema<"MuteView">;
/** Lowest role with each permission that the owner hands out. */
export type PermissionRoles = Schema<"RolesView">;
export type SpaceChange = RawSchema<"SpaceChangeRequest">;
export type MemberPage = Schema<"MemberList">;
export type Member = Schema<"MemberEntry">;
/** How a user stands to a space. */
export type MemberStanding = Schema<"MemberView">;
/** An invite to a space, without its token. */
export type SpaceInvite = Schema<"SpaceInviteEntry">;

/** Pages of members that are fetched at most. */
const MEMBER_PAGES = 20;

const accessView = object<AccessView>({
  id: string,
  name: string,
  description: string,
  appeal: string,
  thumbnail: string,
  people: number,
  listed: boolean,
  accessPolicy: string,
  guests: boolean,
  takesGuests: boolean,
  capacity: nullable(number),
  opensAt: nullable(number),
  closesAt: nullable(number),
  lockdownUntil: nullable(number),
  permissions: object<PermissionRoles>({
    say: string,
    share: string,
    build: string,
    invite: string,
    admit: string,
    copy: string,
  }),
  role: string,
  may: list(string),
  offeredUntil: nullable(number),
  mutes: list(object<Mute>({ what: string, until: nullable(number) })),
  refusal: nullable(object<Refusal>({ code: string, message: string, until: nullable(number) })),
});
const guest = object<Schema<"GuestAnswer">>({ userId: string, token: string, spaceId: string });
const members = object<MemberPage>({
  owner: nullable(object<Schema<"OwnerEntry">>({ userId: string, username: string })),
  members: list(
    object<Member>({
      userId: string,
      username: string,
      isGuest: boolean,
      role: string,
      at: number,
      by: nullable(string),
    }),
  ),
  after: nullable(string),
});
const standing = object<MemberStanding>({
  userId: string,
  username: string,
  role: string,
  isMember: boolean,
  mayAct: boolean,
});
const invites = object<Schema<"SpaceInviteList">>({
  invites: list(
    object<SpaceInvite>({
      id: string,
      role: string,
      label: string,
      expiresAt: nullable(number),
      maxUses: nullable(number),
      uses: number,
      state: string,
      at: number,
      by: nullable(string),
    }),
  ),
});
const newInvite = object<Schema<"NewInviteAnswer">>({ id: string, token: string, url: string });
const accepted = object<Schema<"AcceptedInvite">>({ spaceId: string });

export const accessApi = {
  view: (id: string) => ask("get", "/space/{id}/access-policy", { path: { id } }, accessView),
  change: (id: string, change: SpaceChange) =>
    ask("patch", "/space/{id}", { path: { id }, body: change }, accessView),
  /** Gives the password of a space. */
  enter: (id: string, password: string) =>
    tell("post", "/space/{id}/enter", { path: { id }, body: { password } }),
  /** Makes a guest and keeps their token; returns the space that they may enter. */
  enterAsGuest: async (request: RawSchema<"GuestRequest">) => {
    const { token, spaceId } = await ask("post", "/guest", { body: request }, guest);
    keepToken(token);
    return spaceId;
  },
  /** Makes an account of this guest. */
  keepGuest: (username: string, password: string) =>
    tell("post", "/guest/keep", { body: { username, password } }),
  /** All members, and the owner. */
  members: async (id: string) => {
    const all: Member[] = [];
    let owner: MemberPage["owner"] = null;
    let after: string | null = "";
    for (let page = 0; after !== null && page < MEMBER_PAGES; page++) {
      const found: MemberPage = await ask(
        "get",
        "/space/{id}/member",
        { path: { id }, query: { after } },
        members,
      );
      all.push(...found.members);
      ({ owner, after } = found);
    }
    return { owner, members: all };
  },
  addMember: (id: string, username: string, role: string) =>
    tell("post", "/space/{id}/member", { path: { id }, body: { username, role } }),
  standing: (id: string, user: string) =>
    ask("get", "/space/{id}/member/{user}", { path: { id, user } }, standing),
  giveRole: (id: string, user: string, role: string) =>
    tell("put", "/space/{id}/member/{user}", { path: { id, user }, body: { role } }),
  takeRole: (id: string, user: string) =>
    tell("delete", "/space/{id}/member/{user}", { path: { id, user } }),
  invites: async (id: string) =>
    (await ask("get", "/space/{id}/invite", { path: { id } }, invites)).invites,
  addInvite: (id: string, request: RawSchema<"NewInviteRequest">) =>
    ask("post", "/space/{id}/invite", { path: { id }, body: request }, newInvite),
  /** Takes an invite back, and, if asked, the roles of those who came by it. */
  revokeInvite: (id: string, invite: string, people: boolean) =>
    tell("delete", "/space/{id}/invite/{invite}", { path: { id, invite }, query: { people } }),
  /** This user comes by an invite; returns the space. */
  acceptInvite: async (token: string) =>
    (await ask("post", "/invite/{token}", { path: { token } }, accepted)).spaceId,
};
