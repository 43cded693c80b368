/** Api: the server's HTTP interface, as far as this client uses it. `docs/openapi.json` states it. */

import type { Element, SpaceMap } from "../world/map";
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
  zones: list(object<SpaceMap["zones"][number]>({ kind: string, name: string, ...area })),
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
  spaceMap: (id: string) => call("GET", `/space/${encodeURIComponent(id)}/map`, spaceMap),
};

async function call<T>(method: string, path: string, parser: Parser<T>, body?: object): Promise<T> {
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
  const text = await response.text();
  return parser(text === "" ? null : JSON.parse(text));
}

function messageOf(problem: unknown): string | undefined {
  if (typeof problem !== "object" || problem === null) return undefined;
  const message: unknown = Reflect.get(problem, "message");
  return typeof message === "string" ? message : undefined;
}
