/**
 * Codec: the messages of `plaza.v1`, a mirror of `src/net/protocol/`. The golden vectors keep the
 * two equal.
 */

import { DecodeError, Reader, Writer } from "./bytes";

export const SUBPROTOCOL = "plaza.v1";
export const VERSION = 1;
/** Must equal the server's; otherwise the page is of another version. */
export const SCHEMA = 3_162_260_748;

export type ClientMessage =
  | {
      type: "Hello";
      version: number;
      schema: number;
      token: string;
      space: string;
      viewWidth: number;
      viewHeight: number;
      arrive: string | null;
    }
  | { type: "Input"; seq: number; direction: number; run: boolean }
  | { type: "WalkTo"; seq: number; x: number; y: number }
  | { type: "WalkToPlayer"; seq: number; player: number }
  | { type: "Chat"; clientId: number; text: string; scope: number; replyTo: string | null }
  | { type: "Emote"; kind: number }
  | { type: "View"; width: number; height: number }
  | { type: "Ping"; nonce: number }
  | { type: "Leave" }
  | { type: "Signal"; player: number; body: string }
  | { type: "Media"; audio: boolean; video: boolean; screen: boolean }
  | { type: "Status"; status: number }
  | { type: "Wave"; player: number; kind: number }
  | { type: "Lock"; zone: number; locked: boolean }
  | { type: "Knock"; zone: number }
  | { type: "Admit"; player: number }
  | { type: "Block"; user: string; blocked: boolean }
  | { type: "Forward"; body: string }
  | { type: "ChatEdit"; id: string; text: string }
  | { type: "ChatDelete"; id: string }
  | { type: "React"; id: string; emoji: string; on: boolean }
  | { type: "Typing"; on: boolean }
  | { type: "Bubble"; deed: number; bubble: number }
  | { type: "ChatBefore"; id: string }
  | { type: "Home" }
  | { type: "Follow"; player: number | null };

export interface OwnState {
  x: number;
  y: number;
  carryX: number;
  carryY: number;
  facing: number;
  walking: boolean;
}

export interface ChatMessage {
  id: string;
  clientId: number | null;
  player: number | null;
  user: string;
  name: string;
  text: string;
  at: number;
  /** 0 to the space, 1 to the players who hear the speaker, 2 an announcement. */
  scope: number;
  replyTo: string | null;
  edited: number | null;
  deleted: boolean;
  reactions: Reaction[];
}

export interface Reaction {
  emoji: string;
  /** Ids of the users who are named. */
  users: string[];
  /** How many more users there are. */
  more: number;
}

/** Messages of the space's memory, as many as fit into one protocol message. */
export interface History {
  /** The message before which they were said; `null` for the newest. */
  before: string | null;
  /** Oldest first. */
  lines: ChatMessage[];
  /** Whether the space remembers older ones. */
  more: boolean;
}

/** A new text of a message, or its deletion. */
export interface Change {
  id: string;
  text: string | null;
  at: number;
}

export interface Reacted {
  id: string;
  user: string;
  emoji: string;
  on: boolean;
}

/** A message from one user to another. */
export interface DirectMessage {
  id: string;
  clientId: number | null;
  from: string;
  name: string;
  to: string;
  text: string;
  at: number;
}

export interface Card {
  player: number;
  user: string;
  name: string;
  avatar: { id: string; imageUrl: string } | null;
  /** 0 available, 1 busy, 2 away, 3 do not disturb, 4 quiet. */
  status: number;
  /** What they send: bit 0 audio, 1 video, 2 screen. */
  media: number;
}

/** How this player is connected to another one, by the rules of the space. */
export interface Peer {
  player: number;
  /** Whether I hear them, they hear me; `see` and `seen` are the same for video. */
  hear: boolean;
  heard: boolean;
  see: boolean;
  seen: boolean;
  /** How loud they are by the rules, 0 to 255. */
  gain: number;
  /** 0 distance, 1 private area, 2 stage, 3 bubble. */
  why: number;
  /** 0 direct, 1 through the SFU. */
  route: number;
  /** Whether I am the polite side of the negotiation. */
  polite: boolean;
}

/** A conversation bubble. It has ended when it has no players. */
export interface Bubble {
  bubble: number;
  /** Whether players outside are heard, and hear, softly. */
  aside: boolean;
  /** Whether others have to knock. */
  locked: boolean;
  players: number[];
}

export interface Cell {
  index: number;
  full: boolean;
  left: number[];
  entries: { gap: number; bits: [number, number, number] }[];
  /** Players who kept walking: the low bits of their position, then facing and motion. */
  steps: { gap: number; low: [number, number]; turn: number }[];
}

/** The last input that the server applied, and the state after it. */
export interface OwnNews {
  ack: number;
  state: OwnState;
}

export interface Frame {
  tick: number;
  epoch: number;
  step: number;
  /** As in the frame before when it is `null`. */
  own: OwnNews | null;
  roster: { full: boolean; came: Card[]; gone: number[] } | null;
  cells: Cell[];
  dropped: number[];
}

export interface Welcome {
  player: number;
  epoch: number;
  tick: number;
  tickRate: number;
  spaceName: string;
  width: number;
  height: number;
  mapVersion: number;
  gridHash: number;
  own: OwnState;
  blocked: string[];
}

export type ServerMessage =
  | ({ type: "Welcome" } & Welcome)
  | { type: "Refused"; code: number; message: string }
  | ({ type: "Frame" } & Frame)
  | ({ type: "Chat" } & ChatMessage)
  | { type: "ChatRefused"; clientId: number; message: string }
  | { type: "Emote"; player: number; kind: number }
  | { type: "ElementPlaced"; id: string; element: string; x: number; y: number; mapVersion: number }
  | { type: "ElementRemoved"; id: string; mapVersion: number }
  | { type: "MapChanged"; mapVersion: number }
  | { type: "Pong"; nonce: number; tick: number }
  | { type: "Notice"; code: string; message: string }
  | { type: "Peers"; full: boolean; peers: Peer[]; gone: number[] }
  | { type: "Signal"; player: number; body: string }
  | { type: "Waved"; player: number; kind: number }
  | {
      type: "Zone";
      zone: number;
      locked: boolean;
      people: number;
      cap: number;
      lockedBy: number | null;
    }
  | { type: "Knocked"; player: number; zone: number }
  | { type: "Admitted"; zone: number }
  | { type: "Portal"; space: string; arrive: string }
  | { type: "Forward"; body: string }
  | ({ type: "ChatChanged" } & Change)
  | ({ type: "Reacted" } & Reacted)
  | { type: "Typing"; player: number; on: boolean }
  | ({ type: "Direct" } & DirectMessage)
  | { type: "Bubbles"; full: boolean; bubbles: Bubble[] }
  | { type: "BubbleKnocked"; player: number }
  | ({ type: "History" } & History)
  | { type: "Missed"; mapVersion: number }
  | { type: "BubbleAsked"; player: number; aside: boolean }
  | { type: "Followed"; player: number; on: boolean };

export function encode(message: ClientMessage): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  switch (message.type) {
    case "Hello":
      writer
        .uint(0)
        .uint(message.version)
        .uint(message.schema)
        .string(message.token)
        .string(message.space);
      writer.uint(message.viewWidth).uint(message.viewHeight);
      writer.option(message.arrive, (name) => writer.string(name));
      break;
    case "Input":
      writer.uint(1).uint(message.seq).u8(message.direction).bool(message.run);
      break;
    case "WalkTo":
      writer.uint(2).uint(message.seq).uint(message.x).uint(message.y);
      break;
    case "WalkToPlayer":
      writer.uint(3).uint(message.seq).uint(message.player);
      break;
    case "Chat":
      writer.uint(4).uint(message.clientId).string(message.text).u8(message.scope);
      if (message.replyTo === null) writer.u8(0);
      else writer.u8(1).string(message.replyTo);
      break;
    case "Emote":
      writer.uint(5).u8(message.kind);
      break;
    case "View":
      writer.uint(6).uint(message.width).uint(message.height);
      break;
    case "Ping":
      writer.uint(7).uint(message.nonce);
      break;
    case "Leave":
      writer.uint(8);
      break;
    case "Signal":
      writer.uint(9).uint(message.player).string(message.body);
      break;
    case "Media":
      writer.uint(10).bool(message.audio).bool(message.video).bool(message.screen);
      break;
    case "Status":
      writer.uint(11).u8(message.status);
      break;
    case "Wave":
      writer.uint(12).uint(message.player).u8(message.kind);
      break;
    case "Lock":
      writer.uint(13).uint(message.zone).bool(message.locked);
      break;
    case "Knock":
      writer.uint(14).uint(message.zone);
      break;
    case "Admit":
      writer.uint(15).uint(message.player);
      break;
    case "Block":
      writer.uint(16).string(message.user).bool(message.blocked);
      break;
    case "Forward":
      writer.uint(17).string(message.body);
      break;
    case "ChatEdit":
      writer.uint(18).string(message.id).string(message.text);
      break;
    case "ChatDelete":
      writer.uint(19).string(message.id);
      break;
    case "React":
      writer.uint(20).string(message.id).string(message.emoji).bool(message.on);
      break;
    case "Typing":
      writer.uint(21).bool(message.on);
      break;
    case "Bubble":
      writer.uint(22).u8(message.deed).uint(message.bubble);
      break;
    case "ChatBefore":
      writer.uint(23).string(message.id);
      break;
    case "Home":
      writer.uint(24);
      break;
    case "Follow":
      writer.uint(25).option(message.player, (player) => writer.uint(player));
      break;
  }
  return writer.finish();
}

/** Decodes one message; throws a DecodeError for anything but its exact bytes. */
export function decode(bytes: Uint8Array): ServerMessage {
  const reader = new Reader(bytes);
  const message = serverMessage(reader);
  reader.end();
  return message;
}

function serverMessage(r: Reader): ServerMessage {
  const variant = r.uint();
  switch (variant) {
    case 0:
      return { type: "Welcome", ...welcome(r) };
    case 1:
      return { type: "Refused", code: r.uint(), message: r.string() };
    case 2:
      return { type: "Frame", ...frame(r) };
    case 3:
      return { type: "Chat", ...chatMessage(r) };
    case 4:
      return { type: "ChatRefused", clientId: r.uint(), message: r.string() };
    case 5:
      return { type: "Emote", player: r.uint(), kind: r.u8() };
    case 6:
      return {
        type: "ElementPlaced",
        id: r.string(),
        element: r.string(),
        x: r.uint(),
        y: r.uint(),
        mapVersion: r.uint(),
      };
    case 7:
      return { type: "ElementRemoved", id: r.string(), mapVersion: r.uint() };
    case 8:
      return { type: "MapChanged", mapVersion: r.uint() };
    case 9:
      return { type: "Pong", nonce: r.uint(), tick: r.uint() };
    case 10:
      return { type: "Notice", code: r.string(), message: r.string() };
    case 11:
      return {
        type: "Peers",
        full: r.bool(),
        peers: r.list(() => peer(r)),
        gone: r.list(() => r.uint()),
      };
    case 12:
      return { type: "Signal", player: r.uint(), body: r.string() };
    case 13:
      return { type: "Waved", player: r.uint(), kind: r.u8() };
    case 14:
      return {
        type: "Zone",
        zone: r.uint(),
        locked: r.bool(),
        people: r.uint(),
        cap: r.uint(),
        lockedBy: r.option(() => r.uint()),
      };
    case 15:
      return { type: "Knocked", player: r.uint(), zone: r.uint() };
    case 16:
      return { type: "Admitted", zone: r.uint() };
    case 17:
      return { type: "Portal", space: r.string(), arrive: r.string() };
    case 18:
      return { type: "Forward", body: r.string() };
    case 19:
      return {
        type: "ChatChanged",
        id: r.string(),
        text: r.option(() => r.string()),
        at: r.uint(),
      };
    case 20:
      return { type: "Reacted", id: r.string(), user: r.string(), emoji: r.string(), on: r.bool() };
    case 21:
      return { type: "Typing", player: r.uint(), on: r.bool() };
    case 22:
      return { type: "Direct", ...directMessage(r) };
    case 23:
      return { type: "Bubbles", full: r.bool(), bubbles: r.list(() => bubble(r)) };
    case 24:
      return { type: "BubbleKnocked", player: r.uint() };
    case 25:
      return {
        type: "History",
        before: r.option(() => r.string()),
        lines: r.list(() => chatMessage(r)),
        more: r.bool(),
      };
    case 26:
      return { type: "Missed", mapVersion: r.uint() };
    case 27:
      return { type: "BubbleAsked", player: r.uint(), aside: r.bool() };
    case 28:
      return { type: "Followed", player: r.uint(), on: r.bool() };
    default:
      throw new DecodeError(`no message has the number ${variant}`);
  }
}

function welcome(r: Reader): Welcome {
  return {
    player: r.uint(),
    epoch: r.uint(),
    tick: r.uint(),
    tickRate: r.u8(),
    spaceName: r.string(),
    width: r.uint(),
    height: r.uint(),
    mapVersion: r.uint(),
    gridHash: r.uint(),
    own: ownState(r),
    blocked: r.list(() => r.string()),
  };
}

function frame(r: Reader): Frame {
  return {
    tick: r.uint(),
    epoch: r.uint(),
    step: r.u8(),
    own: r.option(() => ({ ack: r.uint(), state: ownState(r) })),
    roster: r.option(() => ({
      full: r.bool(),
      came: r.list(() => card(r)),
      gone: r.list(() => r.uint()),
    })),
    cells: r.list(() => cell(r)),
    dropped: r.list(() => r.uint()),
  };
}

function ownState(r: Reader): OwnState {
  return {
    x: r.int(),
    y: r.int(),
    carryX: r.i8(),
    carryY: r.i8(),
    facing: r.u8(),
    walking: r.bool(),
  };
}

function chatMessage(r: Reader): ChatMessage {
  return {
    id: r.string(),
    clientId: r.option(() => r.uint()),
    player: r.option(() => r.uint()),
    user: r.string(),
    name: r.string(),
    text: r.string(),
    at: r.uint(),
    scope: r.u8(),
    replyTo: r.option(() => r.string()),
    edited: r.option(() => r.uint()),
    deleted: r.bool(),
    reactions: r.list(() => ({
      emoji: r.string(),
      users: r.list(() => r.string()),
      more: r.uint(),
    })),
  };
}

function directMessage(r: Reader): DirectMessage {
  return {
    id: r.string(),
    clientId: r.option(() => r.uint()),
    from: r.string(),
    name: r.string(),
    to: r.string(),
    text: r.string(),
    at: r.uint(),
  };
}

function card(r: Reader): Card {
  return {
    player: r.uint(),
    user: r.string(),
    name: r.string(),
    avatar: r.option(() => ({ id: r.string(), imageUrl: r.string() })),
    status: r.u8(),
    media: r.u8(),
  };
}

function peer(r: Reader): Peer {
  return {
    player: r.uint(),
    hear: r.bool(),
    heard: r.bool(),
    see: r.bool(),
    seen: r.bool(),
    gain: r.u8(),
    why: r.u8(),
    route: r.u8(),
    polite: r.bool(),
  };
}

function bubble(r: Reader): Bubble {
  return { bubble: r.uint(), aside: r.bool(), locked: r.bool(), players: r.list(() => r.uint()) };
}

/** A byte of flags says which of the lists follow. */
function cell(r: Reader): Cell {
  const index = r.uint();
  const flags = r.u8();
  if (flags > 15) throw new DecodeError("a cell with other lists than there are");
  const list = <T>(flag: number, read: () => T): T[] => (flags & flag ? r.list(read) : []);
  return {
    index,
    full: (flags & 1) !== 0,
    left: list(2, () => r.uint()),
    entries: list(4, () => ({ gap: r.uint(), bits: [r.u8(), r.u8(), r.u8()] })),
    steps: list(8, () => step(r)),
  };
}

function step(r: Reader): Cell["steps"][number] {
  const low: [number, number] = [r.u8(), r.u8()];
  const rest = r.u8();
  const gap = rest >> 4;
  return { gap: gap === 15 ? gap + r.uint() : gap, low, turn: rest & 15 };
}
