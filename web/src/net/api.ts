/**
 * Api: the server's HTTP calls and the parsers of their answers. `docs/openapi.json` states the
 * interface.
 */

import type { ChatMessage } from "./codec.gen";
import { ask, download, keepToken, type RawSchema, type Schema, tell } from "./http";
import { boolean, list, nullable, number, object, string, word } from "./parse";

/** Conversations that are fetched at most. */
const CONVERSATIONS = 1_000;

export type Me = Schema<"Me">;
/** The sign-up policy, and the minimum length of a new password. */
export type SignUpRules = Schema<"SignUpView">;
/** An invite that admits people. */
export type Invite = Schema<"InviteView">;
/** A session of this user. */
export type OwnSession = Schema<"SessionEntry">;
export type SetupState = Schema<"SetupState">;
export type Avatar = Schema<"AvatarEntry">;
export type SpaceSummary = Schema<"LobbyEntry">;
export type Lobby = Schema<"Lobby">;
export type MapSummary = Schema<"MapEntry">;
export type Cluster = Schema<"ClusterView">;
/** A server process. */
export type RunningNode = Schema<"NodeEntry">;
/** A space that a process hosts. */
export type RunningSpace = Schema<"RunningEntry">;
/** A saved direct message. */
export type SavedDirectMessage = Schema<"DirectEntry">;
/** An uploaded picture of this user. */
export type UploadedPicture = Schema<"UploadEntry">;
/** A conversation with another user: its last message and how many are unread. */
export type DirectConversation = Schema<"ConversationEntry">;

/** Rules of a space's chat. */
export type ChatRules = Pick<
  Schema<"ChatView">,
  "kept" | "retentionDays" | "slowModeSeconds" | "mayModerate"
>;
export type SpaceSettings = Schema<"SpaceSettings">;
/** A change of the settings; absent fields stay as they are. */
export type ProximityRequest = RawSchema<"ProximityChange">;

/** A page of a space's saved messages. */
export interface ChatPage {
  messages: ChatMessage[];
  /** Cursor of the next page; `null` on the last one. */
  before: string | null;
  rules: ChatRules;
}

const token = object<Schema<"TokenAnswer">>({ token: string });
const signUpRules = object<SignUpRules>({ policy: string, passwordChars: number });
const invite = object<Invite>({
  expiresAt: nullable(number),
  usesLeft: nullable(number),
  space: nullable(
    object<Schema<"InvitedSpace">>({
      id: string,
      name: string,
      description: string,
      thumbnail: string,
      people: number,
      role: string,
      by: nullable(string),
      guests: boolean,
    }),
  ),
});
const sessions = object<Schema<"SessionList">>({
  sessions: list(
    object<OwnSession>({ id: string, createdAt: number, usedAt: number, isThis: boolean }),
  ),
});
const setupState = object<SetupState>({ needed: boolean, good: nullable(boolean) });
const me = object<Me>({
  userId: string,
  username: string,
  role: string,
  isGuest: boolean,
  looksAlike: boolean,
  avatarId: nullable(string),
  imageUrl: nullable(string),
});
const avatars = object<Schema<"AvatarList">>({
  avatars: list(object<Avatar>({ id: string, name: string, imageUrl: string })),
});
const avatar = object<Schema<"AvatarAnswer">>({ avatarId: string });
const upload = object<Schema<"UploadAnswer">>({ imageUrl: string });
const uploads = object<Schema<"UploadList">>({
  uploads: list(
    object<UploadedPicture>({
      name: string,
      imageUrl: string,
      kind: string,
      width: number,
      height: number,
      size: number,
      createdAt: number,
      uses: object<Schema<"UploadUses">>({
        lines: number,
        directs: number,
        avatars: number,
        elements: number,
        maps: number,
      }),
    }),
  ),
  after: nullable(string),
  used: number,
  quota: nullable(number),
});
const summary = object<SpaceSummary>({
  id: string,
  name: string,
  thumbnail: string,
  dimensions: string,
  people: number,
  public: boolean,
  accessPolicy: string,
  guests: boolean,
  mine: boolean,
  createdAt: number,
});
const lobby = object<Lobby>({
  mine: list(summary),
  public: list(summary),
  cursor: nullable(string),
});
const maps = object<Schema<"MapList">>({
  maps: list(
    object<MapSummary>({
      id: string,
      name: string,
      description: string,
      thumbnail: string,
      dimensions: string,
    }),
  ),
});
const space = object<Schema<"SpaceAnswer">>({ spaceId: string });
const cluster = object<Cluster>({
  nodes: list(
    object<RunningNode>({
      node: string,
      isThis: boolean,
      publicUrl: nullable(string),
      load: number,
      people: number,
      spaces: number,
      isDraining: boolean,
      leaseMs: nullable(number),
    }),
  ),
  spaces: list(
    object<RunningSpace>({
      spaceId: string,
      name: string,
      node: string,
      epoch: number,
      people: number,
      tickMicros: number,
    }),
  ),
});
const ice = object<Schema<"IceView">>({
  iceServers: list(
    object<Schema<"IceServer">>({
      urls: list(string),
      username: nullable(string),
      credential: nullable(string),
    }),
  ),
  expiresAt: number,
  relayOnly: boolean,
  forwarder: word("nobody", "unit", "livekit"),
});
const liveKit = object<Schema<"LiveKitView">>({ url: string, token: string });
const rules = {
  retentionDays: nullable(number),
  slowModeSeconds: number,
  reach: number,
  voices: number,
  pictures: number,
  walls: nullable(boolean),
  mayModerate: boolean,
};
const changedRules = object<Schema<"RulesView">>(rules);
const spaceSettings = object<SpaceSettings>({
  rangeTiles: number,
  maxAudio: number,
  maxVideo: number,
  wallsBlock: nullable(boolean),
  mayChange: boolean,
});
const chat = object<Schema<"ChatView">>({
  kept: boolean,
  lines: list(
    object<Schema<"MessageEntry">>({
      id: string,
      userId: string,
      username: string,
      message: string,
      at: number,
      scope: number,
      replyTo: nullable(string),
      editedAt: nullable(number),
      deleted: boolean,
      reactions: list(object<Schema<"ReactionEntry">>({ emoji: string, userIds: list(string) })),
    }),
  ),
  before: nullable(string),
  ...rules,
});
const direct = object<SavedDirectMessage>({
  id: string,
  from: string,
  name: string,
  to: string,
  text: string,
  at: number,
});
const conversations = object<Schema<"ConversationList">>({
  conversations: list(
    object<DirectConversation>({
      userId: string,
      username: string,
      imageUrl: nullable(string),
      last: direct,
      unread: number,
    }),
  ),
  before: nullable(string),
});
const directs = object<Schema<"DirectView">>({ messages: list(direct), before: nullable(string) });
const area = { x: number, y: number, width: number, height: number };
const spaceMap = object<Schema<"SpaceMap">>({
  version: number,
  id: string,
  name: string,
  width: number,
  height: number,
  tiles: list(string),
  layers: list(object<Schema<"TileLayer">>({ name: string, above: boolean, data: list(number) })),
  blocked: list(string),
  zones: list(
    object<Schema<"ZoneEntry">>({
      kind: string,
      name: string,
      ...area,
      cap: nullable(number),
      target: nullable(
        object<Schema<"TargetEntry">>({ space: nullable(string), zone: nullable(string) }),
      ),
      url: nullable(string),
      text: nullable(string),
      audience: nullable(list(string)),
      reach: nullable(number),
    }),
  ),
  elements: list(
    object<Schema<"MapElement">>({
      id: string,
      x: number,
      y: number,
      element: object<Schema<"MapElementKind">>({
        id: string,
        imageUrl: string,
        width: number,
        height: number,
        static: boolean,
        flat: boolean,
        footprint: object<Schema<"Footprint">>(area),
      }),
    }),
  ),
});

export const api = {
  signUpRules: () => ask("get", "/signup", {}, signUpRules),
  invite: (token: string) => ask("get", "/invite/{token}", { path: { token } }, invite),
  signUp: (username: string, password: string, invite?: string) =>
    tell("post", "/signup", {
      body: { username, password, type: "user", ...(invite !== undefined && { invite }) },
    }),
  signIn: async (username: string, password: string) => {
    keepToken((await ask("post", "/signin", { body: { username, password } }, token)).token);
  },
  signOut: () => tell("post", "/signout", {}),
  signOutEverywhere: () => tell("post", "/signout/everywhere", {}),
  changePassword: (current: string, next: string) =>
    tell("post", "/user/password", { body: { current, new: next } }),
  sessions: async () => (await ask("get", "/me/session", {}, sessions)).sessions,
  endSession: (id: string) => tell("delete", "/me/session/{id}", { path: { id } }),
  me: () => ask("get", "/me", {}, me),
  setupState: (token: string) => ask("get", "/setup", { query: { token } }, setupState),
  setUp: (setup: string, username: string, password: string) =>
    tell("post", "/setup", { body: { token: setup, username, password } }),
  avatars: async () => (await ask("get", "/avatars", {}, avatars)).avatars,
  addAvatar: (name: string, imageUrl: string) =>
    ask("post", "/admin/avatar", { body: { name, imageUrl } }, avatar),
  chooseAvatar: (avatarId: string) => tell("post", "/user/metadata", { body: { avatarId } }),
  uploadAvatar: (file: File) =>
    ask("post", "/upload", { query: { kind: "avatar" }, body: formOf(file) }, upload),
  uploadPicture: (file: File) =>
    ask("post", "/upload", { query: { kind: "chat" }, body: formOf(file) }, upload),
  uploads: (after: string) => ask("get", "/upload", { query: { after } }, uploads),
  deleteUpload: (name: string) => tell("delete", "/upload/{name}", { path: { name } }),
  deleteAvatar: (id: string) => tell("delete", "/admin/avatar/{id}", { path: { id } }),
  lobby: (search: string, cursor = "") =>
    ask("get", "/spaces", { query: { q: search, cursor } }, lobby),
  maps: async () => (await ask("get", "/maps", {}, maps)).maps,
  createSpace: (name: string, mapId: string, isPublic: boolean, keepsChat: boolean) =>
    ask(
      "post",
      "/space",
      { body: { name, mapId, public: isPublic, chat: keepsChat ? "kept" : "ephemeral" } },
      space,
    ),
  deleteSpace: (id: string) => tell("delete", "/space/{id}", { path: { id } }),
  spaceMap: (id: string) => ask("get", "/space/{id}/map", { path: { id } }, spaceMap),
  cluster: () => ask("get", "/admin/cluster", {}, cluster),
  drain: (node: string) => tell("post", "/admin/node/{node}/drain", { path: { node } }),
  undrain: (node: string) => tell("post", "/admin/node/{node}/undrain", { path: { node } }),
  moveSpace: (id: string, node: string) =>
    tell("post", "/admin/space/{id}/move", { path: { id }, body: { node } }),
  /** ICE servers for direct connections, and what carries calls of more than four. */
  ice: async () => {
    const { iceServers, relayOnly, forwarder } = await ask("get", "/ice", {}, ice);
    const configuration: RTCConfiguration = {
      iceServers: iceServers.map(iceServerOf),
      iceTransportPolicy: relayOnly ? "relay" : "all",
    };
    return { configuration, forwarder };
  },
  /** Address and token for the space's room on the LiveKit server. */
  liveKit: (id: string) => ask("post", "/space/{id}/livekit", { path: { id } }, liveKit),
  chat: async (id: string, search: string, before: string) =>
    pageOf(
      await ask("get", "/space/{id}/chat", { path: { id }, query: { q: search, before } }, chat),
    ),
  changeChatRules: (id: string, request: RawSchema<"RulesRequest">) =>
    ask("patch", "/space/{id}/chat", { path: { id }, body: request }, changedRules),
  spaceSettings: (id: string) =>
    ask("get", "/space/{id}/settings", { path: { id } }, spaceSettings),
  changeSpaceSettings: (id: string, request: ProximityRequest) =>
    ask("patch", "/space/{id}/settings", { path: { id }, body: request }, spaceSettings),
  clearChat: (id: string) => tell("delete", "/space/{id}/chat", { path: { id } }),
  exportChat: (id: string, format: "json" | "text") =>
    download("get", "/space/{id}/chat/export", { path: { id }, query: { format } }),
  editMessage: (id: string, line: string, message: string) =>
    tell("patch", "/space/{id}/chat/{line}", { path: { id, line }, body: { message } }),
  deleteMessage: (id: string, line: string) =>
    tell("delete", "/space/{id}/chat/{line}", { path: { id, line } }),
  /** Conversations of this user, the newest first: page after page, a thousand at most. */
  conversations: async () => {
    const all: DirectConversation[] = [];
    for (let before: string | null = ""; before !== null && all.length < CONVERSATIONS; ) {
      const page: Schema<"ConversationList"> = await ask(
        "get",
        "/direct",
        { query: { before } },
        conversations,
      );
      all.push(...page.conversations);
      before = page.before ?? null;
    }
    return all;
  },
  directs: (userId: string, before: string) =>
    ask("get", "/direct/{userId}", { path: { userId }, query: { before } }, directs),
  writeDirect: (userId: string, text: string, clientId: number) =>
    ask("post", "/direct/{userId}", { path: { userId }, body: { text, clientId } }, direct),
  readDirect: (userId: string, upTo: string) =>
    tell("post", "/direct/{userId}/read", { path: { userId }, body: { upTo } }),
};

function formOf(file: File): FormData {
  const form = new FormData();
  form.append("file", file);
  return form;
}

/** As `RTCPeerConnection` takes it. */
function iceServerOf({ urls, username, credential }: Schema<"IceServer">): RTCIceServer {
  return { urls, ...(username !== null && credential !== null && { username, credential }) };
}

function pageOf({ lines, before, ...rules }: Schema<"ChatView">): ChatPage {
  return { messages: lines.map(messageOf), before, rules };
}

function messageOf(entry: Schema<"MessageEntry">): ChatMessage {
  return {
    id: entry.id,
    clientId: null,
    player: null,
    user: entry.userId,
    name: entry.username,
    text: entry.message,
    at: entry.at,
    scope: entry.scope,
    replyTo: entry.replyTo,
    edited: entry.editedAt,
    deleted: entry.deleted,
    reactions: entry.reactions.map(({ emoji, userIds }) => ({ emoji, users: userIds, more: 0 })),
    mac: [],
  };
}
