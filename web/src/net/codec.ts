/** Codec: the messages of `plaza.v1`, a mirror of `src/net/protocol/`. The golden vectors hold both together. */

import { DecodeError, Reader, Writer } from "./bytes";

export const SUBPROTOCOL = "plaza.v1";
export const VERSION = 1;
/** Must be the server's, or this page is of another version. */
export const SCHEMA = 806_463_017;

export type ClientMessage =
  | {
      type: "Hello";
      version: number;
      schema: number;
      token: string;
      space: string;
      viewWidth: number;
      viewHeight: number;
    }
  | { type: "Input"; seq: number; direction: number; run: boolean }
  | { type: "WalkTo"; seq: number; x: number; y: number }
  | { type: "WalkToPlayer"; seq: number; player: number }
  | { type: "Chat"; clientId: number; text: string }
  | { type: "Emote"; kind: number }
  | { type: "View"; width: number; height: number }
  | { type: "Ping"; nonce: number }
  | { type: "Leave" };

export interface OwnState {
  x: number;
  y: number;
  carryX: number;
  carryY: number;
  facing: number;
  walking: boolean;
}

export interface ChatLine {
  id: string;
  clientId: number | null;
  player: number | null;
  user: string;
  name: string;
  text: string;
  at: number;
}

export interface Card {
  player: number;
  user: string;
  name: string;
  avatar: { id: string; imageUrl: string } | null;
}

export interface Cell {
  index: number;
  full: boolean;
  left: number[];
  entries: { gap: number; bits: [number, number, number] }[];
}

export interface Frame {
  tick: number;
  epoch: number;
  step: number;
  ack: number;
  own: OwnState;
  roster: { full: boolean; came: Card[]; gone: number[] };
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
  history: ChatLine[];
}

export type ServerMessage =
  | ({ type: "Welcome" } & Welcome)
  | { type: "Refused"; code: number; message: string }
  | ({ type: "Frame" } & Frame)
  | ({ type: "Chat" } & ChatLine)
  | { type: "ChatRefused"; clientId: number; message: string }
  | { type: "Emote"; player: number; kind: number }
  | { type: "ElementPlaced"; id: string; element: string; x: number; y: number; mapVersion: number }
  | { type: "ElementRemoved"; id: string; mapVersion: number }
  | { type: "ElementChanged"; element: string; mapVersion: number }
  | { type: "Pong"; nonce: number; tick: number }
  | { type: "Notice"; code: string; message: string };

export function encode(message: ClientMessage): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  switch (message.type) {
    case "Hello":
      writer.uint(0).uint(message.version).uint(message.schema).string(message.token).string(message.space);
      writer.uint(message.viewWidth).uint(message.viewHeight);
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
      writer.uint(4).uint(message.clientId).string(message.text);
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
  }
  return writer.finish();
}

/** The message that exactly these bytes spell; throws a DecodeError otherwise. */
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
      return { type: "Chat", ...chatLine(r) };
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
      return { type: "ElementChanged", element: r.string(), mapVersion: r.uint() };
    case 9:
      return { type: "Pong", nonce: r.uint(), tick: r.uint() };
    case 10:
      return { type: "Notice", code: r.string(), message: r.string() };
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
    history: r.list(() => chatLine(r)),
  };
}

function frame(r: Reader): Frame {
  return {
    tick: r.uint(),
    epoch: r.uint(),
    step: r.u8(),
    ack: r.uint(),
    own: ownState(r),
    roster: { full: r.bool(), came: r.list(() => card(r)), gone: r.list(() => r.uint()) },
    cells: r.list(() => cell(r)),
    dropped: r.list(() => r.uint()),
  };
}

function ownState(r: Reader): OwnState {
  return { x: r.int(), y: r.int(), carryX: r.i8(), carryY: r.i8(), facing: r.u8(), walking: r.bool() };
}

function chatLine(r: Reader): ChatLine {
  return {
    id: r.string(),
    clientId: r.option(() => r.uint()),
    player: r.option(() => r.uint()),
    user: r.string(),
    name: r.string(),
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
  };
}

function cell(r: Reader): Cell {
  return {
    index: r.uint(),
    full: r.bool(),
    left: r.list(() => r.uint()),
    entries: r.list(() => ({ gap: r.uint(), bits: [r.u8(), r.u8(), r.u8()] as [number, number, number] })),
  };
}
