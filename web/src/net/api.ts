/** Api: the server's HTTP interface, as far as this client uses it. `docs/openapi.json` states it. */

import type { Element, SpaceMap } from "../world/map";
import type { ChatLine } from "./codec";
import { boolean, list, nullable, number, object, type Parser, string, withDefault } from "./parse";

/** The server said no; `message` is for the person. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export interface Me {
  userId: string;
  username: string;
  role: string;
  avatarId: string | null;
  imageUrl: string | null;
}

export interface Avatar {
  id: string;
  name: string;
  imageUrl: string;
}

export interface SpaceSummary {
  id: string;
  name: string;
  thumbnail: string | null;
  dimensions: string;
  people: number;
  public: boolean;
  mine: boolean;
}

export interface Lobby {
  mine: SpaceSummary[];
  public: SpaceSummary[];
  cursor: string | null;
}

export interface MapSummary {
  id: string;
  name: string;
  description: string;
  thumbnail: string | null;
  dimensions: string;
}

/** A process. */
export interface RunningNode {
  node: string;
  isThis: boolean;
  /** What its ticks take, as a share of a core. */
  load: number;
  people: number;
  spaces: number;
  isDraining: boolean;
  /** Nothing when it is the only process. */
  leaseMs: number | null;
}

/** A space that is run. */
export interface RunningSpace {
  spaceId: string;
  name: string;
  node: string;
  epoch: number;
  people: number;
  tickMicros: number;
}

export interface Cluster {
  nodes: RunningNode[];
  spaces: RunningSpace[];
}

const cluster = object<Cluster>({
  nodes: list(
    object<RunningNode>({
      node: string,
      isThis: boolean,
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
/** A part of what was said in a space that keeps it. */
export interface ChatPage {
  lines: ChatLine[];
  /** Nothing when that is all. */
  before: string | null;
  rules: ChatRules;
}

export interface ChatRules {
  kept: boolean;
  retentionDays: number | null;
  slowModeSeconds: number;
  /** How far voices carry, in tiles. */
  reach: number;
  mayModerate: boolean;
}

interface LineEntry {
  id: string;
  userId: string;
  username: string;
  message: string;
  at: number;
  scope: number;
  replyTo: string | null;
  editedAt: number | null;
  deleted: boolean;
  reactions: { emoji: string; userIds: string[] }[];
}

const lineEntry = object<LineEntry>({
  id: string,
  userId: string,
  username: string,
  message: string,
  at: number,
  scope: number,
  replyTo: nullable(string),
  editedAt: nullable(number),
  deleted: boolean,
  reactions: list(object<LineEntry["reactions"][number]>({ emoji: string, userIds: list(string) })),
});
const line: Parser<ChatLine> = (value, at) => {
  const entry = lineEntry(value, at);
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
    reactions: entry.reactions.map(({ emoji, userIds }) => ({ emoji, users: userIds })),
  };
};
const changedRules = object<Omit<ChatRules, "kept">>({
  retentionDays: nullable(number),
  slowModeSeconds: number,
  reach: number,
  mayModerate: boolean,
});
const chatPage: Parser<ChatPage> = (value, at) => ({
  ...object<Omit<ChatPage, "rules">>({ lines: list(line), before: nullable(string) })(value, at),
  rules: { ...object<{ kept: boolean }>({ kept: boolean })(value, at), ...changedRules(value, at) },
});
/** What one person wrote to another. */
export interface DirectMessage {
  id: string;
  from: string;
  name: string;
  to: string;
  text: string;
  at: number;
}

/** What somebody and I wrote, in short. */
export interface Conversation {
  userId: string;
  username: string;
  imageUrl: string | null;
  last: DirectMessage;
  unread: number;
}

const directMessage = object<DirectMessage>({
  id: string,
  from: string,
  name: string,
  to: string,
  text: string,
  at: number,
});
const conversations = object<{ conversations: Conversation[] }>({
  conversations: list(
    object<Conversation>({
      userId: string,
      username: string,
      imageUrl: nullable(string),
      last: directMessage,
      unread: number,
    }),
  ),
});
const directPage = object<{ messages: DirectMessage[]; before: string | null }>({
  messages: list(directMessage),
  before: nullable(string),
});
const token = object<{ token: string }>({ token: string });
const nothing: Parser<null> = () => null;
const me = object<Me>({
  userId: string,
  username: string,
  role: string,
  avatarId: nullable(string),
  imageUrl: nullable(string),
});
const avatars = object<{ avatars: Avatar[] }>({
  avatars: list(object<Avatar>({ id: string, name: string, imageUrl: string })),
});
const summary = object<SpaceSummary>({
  id: string,
  name: string,
  thumbnail: nullable(string),
  dimensions: string,
  people: number,
  public: boolean,
  mine: boolean,
});
const lobby = object<Lobby>({ mine: list(summary), public: list(summary), cursor: nullable(string) });
const maps = object<{ maps: MapSummary[] }>({
  maps: list(
    object<MapSummary>({
      id: string,
      name: string,
      description: withDefault(string, ""),
      thumbnail: nullable(string),
      dimensions: string,
    }),
  ),
});
const area = { x: number, y: number, width: number, height: number };
const element = object<Element>({
  id: string,
  imageUrl: string,
  width: number,
  height: number,
  static: boolean,
  flat: withDefault(boolean, false),
  footprint: object(area),
});
const spaceMap = object<SpaceMap>({
  version: number,
  name: string,
  width: number,
  height: number,
  tiles: list(string),
  layers: list(object<SpaceMap["layers"][number]>({ name: string, above: boolean, data: list(number) })),
  blocked: list(string),
  zones: list(
    object<SpaceMap["zones"][number]>({
      kind: string,
      name: string,
      url: nullable(string),
      text: nullable(string),
      ...area,
    }),
  ),
  elements: list(object<SpaceMap["elements"][number]>({ id: string, x: number, y: number, element })),
});

let bearer: string | null = localStorage.getItem("plaza.token");
let onSignedOut: () => void = () => {};

/** The sign-in token, kept across visits. */
export function currentToken(): string | null {
  return bearer;
}

export function keepToken(value: string | null): void {
  bearer = value;
  if (value === null) localStorage.removeItem("plaza.token");
  else localStorage.setItem("plaza.token", value);
}

/** Called when the server no longer knows the token. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

function iceServer(value: unknown, at = ""): RTCIceServer {
  const { urls, username, credential } = object({
    urls: list(string),
    username: nullable(string),
    credential: nullable(string),
  })(value, at);
  return { urls, ...(username !== null && credential !== null && { username, credential }) };
}

const ice = object({
  iceServers: list(iceServer),
  relayOnly: boolean,
});

export const api = {
  signUp: (username: string, password: string) =>
    call("POST", "/signup", nothing, { username, password, type: "user" }),
  signIn: async (username: string, password: string) => {
    keepToken((await call("POST", "/signin", token, { username, password })).token);
  },
  signOut: () => call("POST", "/signout", nothing),
  me: () => call("GET", "/me", me),
  setupNeeded: () => call("GET", "/setup", object<{ needed: boolean }>({ needed: boolean })),
  setUp: (setup: string, username: string, password: string) =>
    call("POST", "/setup", nothing, { token: setup, username, password }),
  avatars: async () => (await call("GET", "/avatars", avatars)).avatars,
  addAvatar: (name: string, imageUrl: string) =>
    call("POST", "/admin/avatar", object<{ avatarId: string }>({ avatarId: string }), { name, imageUrl }),
  chooseAvatar: (avatarId: string) => call("POST", "/user/metadata", nothing, { avatarId }),
  lobby: (search: string, cursor?: string) =>
    call(
      "GET",
      `/spaces?q=${encodeURIComponent(search)}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
      lobby,
    ),
  uploadAvatar: (file: File) => {
    const form = new FormData();
    form.append("file", file);
    return call("POST", "/upload?kind=avatar", object<{ imageUrl: string }>({ imageUrl: string }), form);
  },
  maps: async () => (await call("GET", "/maps", maps)).maps,
  createSpace: (name: string, mapId: string, isPublic: boolean, keepsChat: boolean) =>
    call("POST", "/space", object<{ spaceId: string }>({ spaceId: string }), {
      name,
      mapId,
      public: isPublic,
      chat: keepsChat ? "kept" : "ephemeral",
    }),
  cluster: () => call("GET", "/admin/cluster", cluster),
  drain: (node: string) => call("POST", `/admin/node/${encodeURIComponent(node)}/drain`, nothing),
  undrain: (node: string) => call("POST", `/admin/node/${encodeURIComponent(node)}/undrain`, nothing),
  moveSpace: (id: string, node: string) =>
    call("POST", `/admin/space/${encodeURIComponent(id)}/move`, nothing, { node }),
  deleteSpace: (id: string) => call("DELETE", `/space/${encodeURIComponent(id)}`, nothing),
  /** Servers that help browsers to find each other. */
  ice: async () => {
    const { iceServers, relayOnly } = await call("GET", "/ice", ice);
    return { iceServers, iceTransportPolicy: relayOnly ? ("relay" as const) : ("all" as const) };
  },
  chat: (id: string, search: string, before: string) =>
    call("GET", `${chatOf(id)}${query({ q: search, before })}`, chatPage),
  changeChatRules: (id: string, rules: { retentionDays?: number | null; slowModeSeconds?: number; reach?: number }) =>
    call("PATCH", chatOf(id), changedRules, rules),
  clearChat: (id: string) => call("DELETE", chatOf(id), nothing),
  exportChat: (id: string, format: "json" | "text") => download(`${chatOf(id)}/export?format=${format}`),
  editLine: (id: string, line: string, message: string) =>
    call("PATCH", `${chatOf(id)}/${encodeURIComponent(line)}`, nothing, { message }),
  deleteLine: (id: string, line: string) => call("DELETE", `${chatOf(id)}/${encodeURIComponent(line)}`, nothing),
  conversations: async () => (await call("GET", "/direct", conversations)).conversations,
  directs: (user: string, before: string) =>
    call("GET", `/direct/${encodeURIComponent(user)}${query({ before })}`, directPage),
  writeDirect: (user: string, text: string, clientId: number) =>
    call("POST", `/direct/${encodeURIComponent(user)}`, directMessage, { text, clientId }),
  readDirect: (user: string, upTo: string) =>
    call("POST", `/direct/${encodeURIComponent(user)}/read`, nothing, { upTo }),
  uploadPicture: (file: File) => {
    const form = new FormData();
    form.append("file", file);
    return call("POST", "/upload?kind=chat", object<{ imageUrl: string }>({ imageUrl: string }), form);
  },
  spaceMap: (id: string) => call("GET", `/space/${encodeURIComponent(id)}/map`, spaceMap),
};

function chatOf(space: string): string {
  return `/space/${encodeURIComponent(space)}/chat`;
}

/** What stands behind the address; what is empty is left out. */
function query(parts: Record<string, string>): string {
  const given = Object.entries(parts).filter(([, value]) => value !== "");
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}

async function call<T>(method: string, path: string, parser: Parser<T>, body?: object): Promise<T> {
  const text = await (await request(method, path, body)).text();
  return parser(text === "" ? null : JSON.parse(text));
}

async function download(path: string): Promise<Blob> {
  return (await request("GET", path)).blob();
}

async function request(method: string, path: string, body?: object): Promise<Response> {
  const headers: Record<string, string> = {};
  if (bearer !== null) headers.authorization = `Bearer ${bearer}`;
  const isForm = body instanceof FormData;
  if (body && !isForm) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method,
      headers,
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, "The server cannot be reached. Check your connection and try again.");
  }
  if (!response.ok) {
    const problem: unknown = await response.json().catch(() => null);
    if (response.status === 401 && bearer !== null) {
      keepToken(null);
      onSignedOut();
    }
    throw new ApiError(response.status, messageOf(problem) ?? `The server answered ${response.status}. Try again.`);
  }
  return response;
}

function messageOf(problem: unknown): string | undefined {
  if (typeof problem !== "object" || problem === null) return undefined;
  const message: unknown = Reflect.get(problem, "message");
  return typeof message === "string" ? message : undefined;
}
