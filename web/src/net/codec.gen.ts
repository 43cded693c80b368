// Written by a test of src/net/protocol; do not edit.
// PLAZA_WRITE_GOLDEN=1 cargo test --locked --lib protocol

import { DecodeError, Reader, Writer } from "./bytes";
import { readCell } from "./packed";

export const SUBPROTOCOL = "plaza.v1";
export const VERSION = 1;
/** Hash of all types. Client and server refuse each other when theirs differ. */
export const SCHEMA = 3292113805;
/** Common reactions: each message keeps places for them. */
export const REACTIONS = ["👍", "❤️", "😂", "🎉", "😮", "🙏", "👀", "✅"];

/** Lets in a player who knocked at the zone in which the sender stands. */
export interface AdmitC2s {
  /** Number of the player that knocked. */
  player: number;
}

/** The receiver may enter. */
export interface Admitted {
  /** Index of the zone in the map's list. */
  zone: number;
}

/** A chosen avatar. */
export interface Avatar {
  /** Id of the avatar. */
  id: string;
  /** URL of its image. */
  imageUrl: string;
}

/** Blocks or unblocks a user for the sender, in every space. */
export interface BlockC2s {
  /** Id of the user. */
  user: string;
  /** Whether they are blocked. */
  blocked: boolean;
}

/** A player invites the receiver to talk. */
export interface BubbleAsked {
  /** Number of the inviting player. */
  player: number;
  /** Whether players outside would hear the bubble, and be heard in it, at low volume. */
  aside: boolean;
}

/** Creates, joins, leaves, locks or unlocks a bubble. */
export interface BubbleC2s {
  /**
   * 0 invite nearby players to a bubble, 1 to an aside, 2 join or knock, 3 leave, 4 lock,
   * 5 unlock, 6 accept an invitation, 7 decline it.
   */
  action: number;
  /** Bubble to join, or player whose invitation is answered; otherwise 0. */
  bubble: number;
}

/** A player asks to join the receiver's bubble. */
export interface BubbleKnocked {
  /** Number of the asking player. */
  player: number;
}

/** Messages from the server about conversation bubbles. */
export type BubbleS2c =
  /** States of conversation bubbles. */
  | ({ type: "Changed" } & Bubbles)
  /** A player asks to join the receiver's bubble. */
  | ({ type: "Knocked" } & BubbleKnocked)
  /** A player invites the receiver to a bubble. */
  | ({ type: "Asked" } & BubbleAsked);

/** State of a bubble. */
export interface BubbleState {
  /** Id of the bubble. */
  bubble: number;
  /** Whether players outside hear the bubble, and are heard in it, at low volume. */
  aside: boolean;
  /** Whether others have to knock. */
  locked: boolean;
  /** Player numbers of the members, ascending; empty if the bubble has ended. */
  players: number[];
}

/** States of bubbles. */
export interface Bubbles {
  /** Whether the list is complete. */
  full: boolean;
  /** New and changed bubbles. */
  bubbles: BubbleState[];
}

/** Messages from a client about calls. */
export type CallC2s =
  /** Call signal for a peer. */
  | ({ type: "Signal" } & SignalC2s)
  /** Request to the SFU. */
  | ({ type: "Sfu" } & SfuC2s);

/** Messages from the server about calls. */
export type CallS2c =
  /** Call signal from a peer. */
  | ({ type: "Signal" } & Signal)
  /** Reply of the SFU. */
  | ({ type: "Sfu" } & Sfu);

/** The public data of a player. */
export interface Card {
  /** Player number. */
  player: number;
  /** Id of the user. */
  user: string;
  /** Name above the player's head. */
  name: string;
  /** Avatar, if one was chosen. */
  avatar: Avatar | null;
  /** 0 available, 1 busy, 2 away, 3 do not disturb, 4 quiet. */
  status: number;
  /** Media the player sends: bit 0 audio, 1 video, 2 screen. */
  media: number;
}

/** Changes in one cell. A leading byte says which lists follow; most cells have only one. */
export interface Cell {
  /** `row × ceil(width / 16) + column`. */
  index: number;
  /** Whether `entries` lists all players in the cell. */
  full: boolean;
  /** Players who left the cell. */
  left: number[];
  /** Players who entered or moved, by ascending number. */
  entries: Entry[];
  /** Players who moved a short way from the position the client knows, by ascending number. */
  steps: Step[];
}

/** Asks for messages sent before another one. */
export interface ChatBeforeC2s {
  /** Id of a message in the history. */
  id: string;
}

/** Messages from a client about the chat. */
export type ChatC2s =
  /** Sends a chat message. */
  | ({ type: "Send" } & ChatSendC2s)
  /** Edits an own message. */
  | ({ type: "Edit" } & ChatEditC2s)
  /** Deletes a message. */
  | ({ type: "Delete" } & ChatDeleteC2s)
  /** Adds or removes a reaction. */
  | ({ type: "React" } & ReactC2s)
  /** Tells whether the sender types. */
  | ({ type: "Typing" } & TypingC2s)
  /** Asks for earlier chat messages. */
  | ({ type: "Before" } & ChatBeforeC2s);

/** A message was edited or deleted. */
export interface ChatChanged {
  /** Id of the message. */
  id: string;
  /** New text; `None` if it was deleted. */
  text: string | null;
  /** Time of the change, in Unix milliseconds. */
  at: number;
}

/** Deletes a message: an own one, or any one for moderators of the space. */
export interface ChatDeleteC2s {
  /** Id of the message. */
  id: string;
}

/** Edits an own message. */
export interface ChatEditC2s {
  /** Id of the message. */
  id: string;
  /** New text, as in `ChatSendC2s`. */
  text: string;
}

/** A chat message. */
export interface ChatMessage {
  /** Id of the message. */
  id: string;
  /** Number that the sender's client gave it; only in the sender's copy. */
  clientId: number | null;
  /** Player who sends it; `None` in the history. */
  player: number | null;
  /** Id of the user who sent it. */
  user: string;
  /** Name of the user at that time. */
  name: string;
  /** Text. */
  text: string;
  /** Time it was sent, in Unix milliseconds. */
  at: number;
  /** Recipients, as in `ChatSendC2s`. */
  scope: number;
  /** Id of the message to which it replies. */
  replyTo: string | null;
  /** Time of the last edit, in Unix milliseconds. */
  edited: number | null;
  /** Whether it was deleted; the text is empty then. */
  deleted: boolean;
  /** Reactions to it. */
  reactions: Reaction[];
  /** Signature of the server, 16 bytes: proves in a report what was said. */
  mac: number[];
}

/** A message was refused. */
export interface ChatRefused {
  /** Number that the client gave the message. */
  clientId: number;
  /** Reason, for the user. */
  message: string;
}

/** Messages from the server about the chat. */
export type ChatS2c =
  /** A chat message. */
  | ({ type: "Message" } & ChatMessage)
  /** A message was refused. */
  | ({ type: "Refused" } & ChatRefused)
  /** A message was edited or deleted. */
  | ({ type: "Changed" } & ChatChanged)
  /** A reaction was added or removed. */
  | ({ type: "Reacted" } & Reacted)
  /** A player started or stopped typing. */
  | ({ type: "Typing" } & Typing)
  /** Earlier chat messages. */
  | ({ type: "History" } & History);

/** Sends a chat message. */
export interface ChatSendC2s {
  /** Number that the client gave the message. */
  clientId: number;
  /** Text, 1 to 4,000 characters after trimming. */
  text: string;
  /** Recipients: 0 the space, 1 players who hear the sender, 2 everyone, as an announcement. */
  scope: number;
  /** Id of the message to which it replies. */
  replyTo: string | null;
}

/** Messages from a client. New ones go into the type of their domain. */
export type ClientMessage =
  /** Joins a space; always the first message. */
  | ({ type: "Hello" } & HelloC2s)
  /** Moves one step in a held direction. */
  | ({ type: "Input" } & InputC2s)
  /** About the connection. */
  | { type: "Session"; value: SessionC2s }
  /** Walks. */
  | { type: "Movement"; value: MovementC2s }
  /** About the chat. */
  | { type: "Chat"; value: ChatC2s }
  /** Shows an emote. */
  | ({ type: "Emote" } & EmoteC2s)
  /** Signals of a call. */
  | { type: "Call"; value: CallC2s }
  /** About the availability of the sender. */
  | { type: "Status"; value: StatusC2s }
  /** About private zones. */
  | { type: "Zone"; value: ZoneC2s }
  /** Follows a player, or stops. */
  | ({ type: "Follow" } & FollowC2s)
  /** Creates, joins, leaves, locks or unlocks a conversation bubble. */
  | ({ type: "Bubble" } & BubbleC2s)
  /** Blocks or unblocks a user. */
  | ({ type: "Block" } & BlockC2s);

/** A direct message. It reaches the recipient in any space. */
export interface DirectMessage {
  /** Id of the message. */
  id: string;
  /** Number that the sender's client gave it; only in the sender's copies. */
  clientId: number | null;
  /** Id of the sender. */
  from: string;
  /** Name of the sender. */
  name: string;
  /** Id of the recipient. */
  to: string;
  /** Text. */
  text: string;
  /** Time it was sent, in Unix milliseconds. */
  at: number;
}

/** An object was placed. */
export interface ElementPlaced {
  /** Id of the placed object. */
  id: string;
  /** Id of its element in the catalogue. */
  element: string;
  /** Column of its top left tile. */
  x: number;
  /** Row of its top left tile. */
  y: number;
  /** Version of the layout that includes it. */
  mapVersion: number;
}

/** A placed object was removed. */
export interface ElementRemoved {
  /** Id of the placed object. */
  id: string;
  /** Version of the layout without it. */
  mapVersion: number;
}

/** Messages from the server about the objects of a layout. */
export type ElementS2c =
  /** An object was placed. */
  | ({ type: "Placed" } & ElementPlaced)
  /** An object was removed. */
  | ({ type: "Removed" } & ElementRemoved)
  /** The map changed. */
  | ({ type: "MapChanged" } & MapChanged);

/** Shows an emote over the sender's head. */
export interface EmoteC2s {
  /** Number of the emote. */
  kind: number;
}

/** A player shows an emote. */
export interface Emote {
  /** Player who shows it. */
  player: number;
  /** Number of the emote. */
  kind: number;
}

/** Position and motion of one player in a cell. */
export interface Entry {
  /** Difference to the previous player number; the first is the number itself. */
  gap: number;
  /** Position inside the cell, facing and motion, as in `pack`. */
  bits: [number, number, number];
}

/** Follows a player, through portals too, or stops. */
export interface FollowC2s {
  /** Player to follow; `None` to stop. */
  player: number | null;
}

/** A player follows the receiver, or stops. */
export interface Followed {
  /** Number of the following player. */
  player: number;
  /** Whether they follow. */
  on: boolean;
}

/** Changes since the client's last frame. */
export interface Frame {
  /** The part that belongs to this client alone. */
  header: Header;
  /** Players who joined or left, if there are any. */
  roster: Roster | null;
  /** Movements, by cell. */
  cells: Cell[];
  /** Cells that are no longer watched. */
  dropped: number[];
}

/** The part of a frame that belongs to one client alone. */
export interface Header {
  /** Tick of the shown state. */
  tick: number;
  /** Epoch of the space; rises when it restarts. */
  epoch: number;
  /** Step of the overload ladder; 0 for no overload. */
  step: number;
  /** The client's own player, if it changed since the previous frame. */
  own: Own | null;
}

/** First message of a client. */
export interface HelloC2s {
  /** `VERSION`. */
  version: number;
  /** `SCHEMA`. */
  schema: number;
  /** Sign-in token. */
  token: string;
  /** Id of the space. */
  space: string;
  /** Number of visible tiles across. */
  viewWidth: number;
  /** Number of visible tiles down. */
  viewHeight: number;
  /** Ticket from a `Portal`; any other value is ignored. */
  arrive: string | null;
}

/** Earlier messages, oldest first: follows the welcome, and answers `ChatBeforeC2s`. */
export interface History {
  /** Id of the message before which they were sent; `None` for the newest. */
  before: string | null;
  /** Messages, as many as fit into 32 KiB. */
  messages: ChatMessage[];
  /** Whether the space has older ones. */
  more: boolean;
}

/** One simulation step in a held direction. */
export interface InputC2s {
  /** Number that rises by one with every input and walk. */
  seq: number;
  /** 0 for none, then 1 to 8 clockwise from up. */
  direction: number;
  /** Whether the player runs. */
  run: boolean;
}

/** Asks the players in a private zone to be let in. */
export interface KnockC2s {
  /** Index of the zone in the map's list. */
  zone: number;
}

/** A player knocks at the zone in which the receiver stands. */
export interface Knocked {
  /** Number of the knocking player. */
  player: number;
  /** Index of the zone in the map's list. */
  zone: number;
}

/** Locks or unlocks a private zone in which the sender stands. */
export interface LockC2s {
  /** Index of the zone in the map's list. */
  zone: number;
  /** Whether to lock it. */
  locked: boolean;
}

/** The tiles, zones or any number of objects changed: fetch the map again. */
export interface MapChanged {
  /** New version of the layout. */
  mapVersion: number;
}

/** Media that the sender sends to its peers. */
export interface MediaC2s {
  /** Microphone. */
  audio: boolean;
  /** Camera. */
  video: boolean;
  /** Screen. */
  screen: boolean;
}

/**
 * The client read too slowly, so some messages were left out. The current state follows: recent
 * chat, private zones, bubbles and peers.
 */
export interface Missed {
  /** Version of the layout; if it differs, fetch the map. */
  mapVersion: number;
}

/** Messages from a client about walking. Steps are `Input`, which is shorter. */
export type MovementC2s =
  /** Walks to a tile. */
  | ({ type: "WalkTo" } & WalkToC2s)
  /** Walks to another player. */
  | ({ type: "WalkToPlayer" } & WalkToPlayerC2s)
  /** Moves the sender to the arrival point. */
  | { type: "Home" };

/** A notice for the user. */
export interface Notice {
  /** Code, for programs. */
  code: string;
  /** Text, for the user. */
  message: string;
}

/** Authoritative state of the client's own player. */
export interface Own {
  /** Highest `seq` of the applied inputs. */
  ack: number;
  /** State after that input. */
  state: OwnState;
}

/** Exact state of the client's own player. */
export interface OwnState {
  /** Horizontal position in 1/64 tile. */
  x: number;
  /** Vertical position in 1/64 tile. */
  y: number;
  /** Horizontal remainder below one sub-tile unit. */
  carryX: number;
  /** Vertical remainder. */
  carryY: number;
  /** 0 down, 1 left, 2 right, 3 up. */
  facing: number;
  /** Whether the server walks the player along a path. */
  walking: boolean;
}

export interface Peer {
  /** Player number of the peer. */
  player: number;
  /** Whether the receiver hears them. */
  hear: boolean;
  /** Whether they hear the receiver. */
  heard: boolean;
  /** Whether the receiver sees their video. */
  see: boolean;
  /** Whether they see the receiver's video. */
  seen: boolean;
  /** Volume by the proximity rules, 0 to 255. */
  gain: number;
  /** Rule that applies: 0 distance, 1 private zone, 2 stage, 3 bubble. */
  why: number;
  /** Media route: 0 direct, 1 through the SFU. */
  route: number;
  /** Whether the receiver is the polite side of perfect negotiation. */
  polite: boolean;
}

/** Players that the receiver hears or sees, or that hear or see the receiver. */
export interface Peers {
  /** Whether the list is complete. */
  full: boolean;
  /** New and changed peers, by ascending number. */
  peers: Peer[];
  /** Players who are no longer peers, by ascending number. */
  gone: number[];
}

/** Asks for a `Pong`. */
export interface PingC2s {
  /** Number that the answer repeats. */
  nonce: number;
}

/** Answers `PingC2s`. */
export interface Pong {
  /** Number from the ping. */
  nonce: number;
  /** Last tick that the client may know. */
  tick: number;
}

/** The receiver took a portal to another space. */
export interface Portal {
  /** Id of the space. */
  space: string;
  /** Ticket for `Hello.arrive`; empty to arrive at the default point. */
  arrive: string;
}

/** Adds or removes a reaction. */
export interface ReactC2s {
  /** Id of the message. */
  id: string;
  /** One emoji. */
  emoji: string;
  /** `true` to add the reaction, `false` to remove it. */
  on: boolean;
}

/** A reaction was added or removed. */
export interface Reacted {
  /** Id of the message. */
  id: string;
  /** Id of the user who reacted. */
  user: string;
  /** One emoji. */
  emoji: string;
  /** `true` if it was added, `false` if it was removed. */
  on: boolean;
}

/** The users who reacted to a message with one emoji. */
export interface Reaction {
  /** One emoji. */
  emoji: string;
  /** Ids of the users: at most `NAMED`, the reader among them. */
  users: string[];
  /** Number of further users. */
  more: number;
}

/** The client may not join. The socket closes with the same code. */
export interface Refused {
  /** Close code. */
  code: number;
  /** Reason, for the user. */
  message: string;
}

/** Players who joined, changed their card, or left. */
export interface Roster {
  /** Whether `came` lists all players. */
  full: boolean;
  /** New or changed cards. */
  came: Card[];
  /** Numbers of players who left. */
  gone: number[];
}

/** Messages from the server. New ones go into the type of their domain. */
export type ServerMessage =
  /** About the connection. */
  | { type: "Session"; value: SessionS2c }
  /** The client may not join; says why. */
  | ({ type: "Refused" } & Refused)
  /** Changes in the client's view. */
  | ({ type: "Frame" } & Frame)
  /** About the chat. */
  | { type: "Chat"; value: ChatS2c }
  /** A player shows an emote. */
  | ({ type: "Emote" } & Emote)
  /** About the objects of the layout. */
  | { type: "Element"; value: ElementS2c }
  /** Players that the receiver hears or sees, or that hear or see the receiver. */
  | ({ type: "Peers" } & Peers)
  /** Signals of a call. */
  | { type: "Call"; value: CallS2c }
  /** About the availability of players. */
  | { type: "Status"; value: StatusS2c }
  /** About private zones and portals. */
  | { type: "Zone"; value: ZoneS2c }
  /** About conversation bubbles. */
  | { type: "Bubble"; value: BubbleS2c }
  /** A player follows the receiver, or stops. */
  | ({ type: "Follow" } & Followed)
  /** A direct message from or to the receiver. */
  | ({ type: "Direct" } & DirectMessage);

/** Messages from a client about its connection, after `Hello`. */
export type SessionC2s =
  /** Changes the number of visible tiles. */
  | ({ type: "View" } & ViewC2s)
  /** Asks for a pong. */
  | ({ type: "Ping" } & PingC2s)
  /** Leaves for good. */
  | { type: "Leave" };

/** Messages from the server about a connection. */
export type SessionS2c =
  /** The client has joined. */
  | ({ type: "Welcome" } & Welcome)
  /** Reply to a ping. */
  | ({ type: "Pong" } & Pong)
  /** A notice for the user. */
  | ({ type: "Notice" } & Notice)
  /** Messages to the receiver were left out. */
  | ({ type: "Missed" } & Missed);

/** Sets the sender's availability. */
export interface SetStatusC2s {
  /** 0 available, 1 busy, 2 away, 3 do not disturb, 4 quiet. */
  status: number;
}

/** Request to the SFU. */
export interface SfuC2s {
  /** JSON: `{offer}` or `{show}`; at most 12 KiB. */
  body: string;
}

/** Reply of the SFU. */
export interface Sfu {
  /** The reply, as JSON. */
  body: string;
}

/**
 * Call signal for a peer of the sender, to open, change or repair their call. The server does not
 * read it.
 */
export interface SignalC2s {
  /** Player who receives it. */
  player: number;
  /** JSON: `{description}` or `{candidate}`; at most 12 KiB. */
  body: string;
}

/** Call signal from a peer of the receiver. */
export interface Signal {
  /** Player who sent it. */
  player: number;
  /** The body as it was sent. */
  body: string;
}

/** Messages from a client about its player's availability. */
export type StatusC2s =
  /** Tells which media the sender sends. */
  | ({ type: "Media" } & MediaC2s)
  /** Sets the sender's status. */
  | ({ type: "Set" } & SetStatusC2s)
  /** Waves at a player. */
  | ({ type: "Wave" } & WaveC2s);

/** Messages from the server about the availability of players. */
export type StatusS2c =
  /** A player waves at the receiver. */
  | ({ type: "Waved" } & Waved);

/**
 * A short move of one player. Only the low bits of the position are sent, because the reader knows
 * roughly where the player is. Three bytes if the gap is below 15.
 */
export interface Step {
  /** Difference to the previous player number among the steps. */
  gap: number;
  /** Low 8 bits of x and y. */
  low: [number, number];
  /** Facing + 4 × motion. */
  turn: number;
}

/** Tells that the sender types; repeated every few seconds while typing. */
export interface TypingC2s {
  /** Whether the sender types. */
  on: boolean;
}

/** A player started or stopped typing. */
export interface Typing {
  /** Number of the typing player. */
  player: number;
  /** Whether they type. */
  on: boolean;
}

/** The number of visible tiles changed. */
export interface ViewC2s {
  /** Number of visible tiles across. */
  width: number;
  /** Number of visible tiles down. */
  height: number;
}

/** Walks to a tile with the server's path finding. */
export interface WalkToC2s {
  /** As in `InputC2s`. */
  seq: number;
  /** Column of the tile. */
  x: number;
  /** Row of the tile. */
  y: number;
}

/** Walks to another player. */
export interface WalkToPlayerC2s {
  /** As in `InputC2s`. */
  seq: number;
  /** Player to walk to. */
  player: number;
}

/** Asks for a player's attention. */
export interface WaveC2s {
  /** Player who is asked. */
  player: number;
  /**
   * 0 wave, 1 invitation to the sender's zone, 2 sender walks to the player, 3 invitation to
   * come along. Addressed to oneself: all players who hear the sender.
   */
  kind: number;
}

/** A player asks for the receiver's attention. */
export interface Waved {
  /** Number of the asking player. */
  player: number;
  /** As in `WaveC2s`. */
  kind: number;
}

/** The client has joined. */
export interface Welcome {
  /** Number of the client's own player. */
  player: number;
  /** Epoch of the space. */
  epoch: number;
  /** Last tick. */
  tick: number;
  /** Ticks per second. */
  tickRate: number;
  /** Name of the space. */
  spaceName: string;
  /** Width in tiles. */
  width: number;
  /** Height in tiles. */
  height: number;
  /** Version of the layout, for fetching the map. */
  mapVersion: number;
  /** Hash of the collision grid, for verification. */
  gridHash: number;
  /** State of the client's own player. */
  own: OwnState;
  /** Ids of the users that this user blocks. */
  blocked: string[];
}

/** Messages from a client about private zones. */
export type ZoneC2s =
  /** Locks or unlocks the private zone in which the sender stands. */
  | ({ type: "Lock" } & LockC2s)
  /** Knocks at a private zone. */
  | ({ type: "Knock" } & KnockC2s)
  /** Lets in a player who knocked. */
  | ({ type: "Admit" } & AdmitC2s);

/** Messages from the server about private zones and portals. */
export type ZoneS2c =
  /** State of a private zone. */
  | ({ type: "State" } & ZoneState)
  /** A player knocks at the receiver's private zone. */
  | ({ type: "Knocked" } & Knocked)
  /** The receiver may enter a private zone. */
  | ({ type: "Admitted" } & Admitted)
  /** The receiver took a portal to another space. */
  | ({ type: "Portal" } & Portal);

/** State of a private zone. */
export interface ZoneState {
  /** Index of the zone in the map's list. */
  zone: number;
  /** Whether it is locked. */
  locked: boolean;
  /** Number of players in it. */
  people: number;
  /** Maximum number of players; 0 for no limit. */
  cap: number;
  /** Player who locked it; `None` if it is unlocked, or if that is unknown. */
  lockedBy: number | null;
}

export function encode(message: ClientMessage): Uint8Array<ArrayBuffer> {
  const w = new Writer();
  writeClientMessage(w, message);
  return w.finish();
}

/** Decodes one message; throws a DecodeError for anything but its exact bytes. */
export function decode(bytes: Uint8Array): ServerMessage {
  const r = new Reader(bytes);
  const message = readServerMessage(r);
  r.end();
  return message;
}

function writeAdmitC2s(w: Writer, value: AdmitC2s): void {
  w.uint(value.player);
}

function writeBlockC2s(w: Writer, value: BlockC2s): void {
  w.string(value.user);
  w.bool(value.blocked);
}

function writeBubbleC2s(w: Writer, value: BubbleC2s): void {
  w.u8(value.action);
  w.uint(value.bubble);
}

function writeCallC2s(w: Writer, value: CallC2s): void {
  switch (value.type) {
    case "Signal":
      w.uint(0);
      writeSignalC2s(w, value);
      break;
    case "Sfu":
      w.uint(1);
      writeSfuC2s(w, value);
      break;
    default:
      value satisfies never;
  }
}

function writeChatBeforeC2s(w: Writer, value: ChatBeforeC2s): void {
  w.string(value.id);
}

function writeChatC2s(w: Writer, value: ChatC2s): void {
  switch (value.type) {
    case "Send":
      w.uint(0);
      writeChatSendC2s(w, value);
      break;
    case "Edit":
      w.uint(1);
      writeChatEditC2s(w, value);
      break;
    case "Delete":
      w.uint(2);
      writeChatDeleteC2s(w, value);
      break;
    case "React":
      w.uint(3);
      writeReactC2s(w, value);
      break;
    case "Typing":
      w.uint(4);
      writeTypingC2s(w, value);
      break;
    case "Before":
      w.uint(5);
      writeChatBeforeC2s(w, value);
      break;
    default:
      value satisfies never;
  }
}

function writeChatDeleteC2s(w: Writer, value: ChatDeleteC2s): void {
  w.string(value.id);
}

function writeChatEditC2s(w: Writer, value: ChatEditC2s): void {
  w.string(value.id);
  w.string(value.text);
}

function writeChatSendC2s(w: Writer, value: ChatSendC2s): void {
  w.uint(value.clientId);
  w.string(value.text);
  w.u8(value.scope);
  w.option(value.replyTo, (item) => w.string(item));
}

function writeClientMessage(w: Writer, value: ClientMessage): void {
  switch (value.type) {
    case "Hello":
      w.uint(0);
      writeHelloC2s(w, value);
      break;
    case "Input":
      w.uint(1);
      writeInputC2s(w, value);
      break;
    case "Session":
      w.uint(2);
      writeSessionC2s(w, value.value);
      break;
    case "Movement":
      w.uint(3);
      writeMovementC2s(w, value.value);
      break;
    case "Chat":
      w.uint(4);
      writeChatC2s(w, value.value);
      break;
    case "Emote":
      w.uint(5);
      writeEmoteC2s(w, value);
      break;
    case "Call":
      w.uint(6);
      writeCallC2s(w, value.value);
      break;
    case "Status":
      w.uint(7);
      writeStatusC2s(w, value.value);
      break;
    case "Zone":
      w.uint(8);
      writeZoneC2s(w, value.value);
      break;
    case "Follow":
      w.uint(9);
      writeFollowC2s(w, value);
      break;
    case "Bubble":
      w.uint(10);
      writeBubbleC2s(w, value);
      break;
    case "Block":
      w.uint(11);
      writeBlockC2s(w, value);
      break;
    default:
      value satisfies never;
  }
}

function writeEmoteC2s(w: Writer, value: EmoteC2s): void {
  w.u8(value.kind);
}

function writeFollowC2s(w: Writer, value: FollowC2s): void {
  w.option(value.player, (item) => w.uint(item));
}

function writeHelloC2s(w: Writer, value: HelloC2s): void {
  w.uint(value.version);
  w.uint(value.schema);
  w.string(value.token);
  w.string(value.space);
  w.uint(value.viewWidth);
  w.uint(value.viewHeight);
  w.option(value.arrive, (item) => w.string(item));
}

function writeInputC2s(w: Writer, value: InputC2s): void {
  w.uint(value.seq);
  w.u8(value.direction);
  w.bool(value.run);
}

function writeKnockC2s(w: Writer, value: KnockC2s): void {
  w.uint(value.zone);
}

function writeLockC2s(w: Writer, value: LockC2s): void {
  w.uint(value.zone);
  w.bool(value.locked);
}

function writeMediaC2s(w: Writer, value: MediaC2s): void {
  w.bool(value.audio);
  w.bool(value.video);
  w.bool(value.screen);
}

function writeMovementC2s(w: Writer, value: MovementC2s): void {
  switch (value.type) {
    case "WalkTo":
      w.uint(0);
      writeWalkToC2s(w, value);
      break;
    case "WalkToPlayer":
      w.uint(1);
      writeWalkToPlayerC2s(w, value);
      break;
    case "Home":
      w.uint(2);
      break;
    default:
      value satisfies never;
  }
}

function writePingC2s(w: Writer, value: PingC2s): void {
  w.uint(value.nonce);
}

function writeReactC2s(w: Writer, value: ReactC2s): void {
  w.string(value.id);
  w.string(value.emoji);
  w.bool(value.on);
}

function writeSessionC2s(w: Writer, value: SessionC2s): void {
  switch (value.type) {
    case "View":
      w.uint(0);
      writeViewC2s(w, value);
      break;
    case "Ping":
      w.uint(1);
      writePingC2s(w, value);
      break;
    case "Leave":
      w.uint(2);
      break;
    default:
      value satisfies never;
  }
}

function writeSetStatusC2s(w: Writer, value: SetStatusC2s): void {
  w.u8(value.status);
}

function writeSfuC2s(w: Writer, value: SfuC2s): void {
  w.string(value.body);
}

function writeSignalC2s(w: Writer, value: SignalC2s): void {
  w.uint(value.player);
  w.string(value.body);
}

function writeStatusC2s(w: Writer, value: StatusC2s): void {
  switch (value.type) {
    case "Media":
      w.uint(0);
      writeMediaC2s(w, value);
      break;
    case "Set":
      w.uint(1);
      writeSetStatusC2s(w, value);
      break;
    case "Wave":
      w.uint(2);
      writeWaveC2s(w, value);
      break;
    default:
      value satisfies never;
  }
}

function writeTypingC2s(w: Writer, value: TypingC2s): void {
  w.bool(value.on);
}

function writeViewC2s(w: Writer, value: ViewC2s): void {
  w.uint(value.width);
  w.uint(value.height);
}

function writeWalkToC2s(w: Writer, value: WalkToC2s): void {
  w.uint(value.seq);
  w.uint(value.x);
  w.uint(value.y);
}

function writeWalkToPlayerC2s(w: Writer, value: WalkToPlayerC2s): void {
  w.uint(value.seq);
  w.uint(value.player);
}

function writeWaveC2s(w: Writer, value: WaveC2s): void {
  w.uint(value.player);
  w.u8(value.kind);
}

function writeZoneC2s(w: Writer, value: ZoneC2s): void {
  switch (value.type) {
    case "Lock":
      w.uint(0);
      writeLockC2s(w, value);
      break;
    case "Knock":
      w.uint(1);
      writeKnockC2s(w, value);
      break;
    case "Admit":
      w.uint(2);
      writeAdmitC2s(w, value);
      break;
    default:
      value satisfies never;
  }
}

function readAdmitted(r: Reader): Admitted {
  return {
    zone: r.uint(),
  };
}

function readAvatar(r: Reader): Avatar {
  return {
    id: r.string(),
    imageUrl: r.string(),
  };
}

function readBubbleAsked(r: Reader): BubbleAsked {
  return {
    player: r.uint(),
    aside: r.bool(),
  };
}

function readBubbleKnocked(r: Reader): BubbleKnocked {
  return {
    player: r.uint(),
  };
}

function readBubbleS2c(r: Reader): BubbleS2c {
  const variant = r.uint();
  switch (variant) {
    case 0:
      return { type: "Changed", ...readBubbles(r) };
    case 1:
      return { type: "Knocked", ...readBubbleKnocked(r) };
    case 2:
      return { type: "Asked", ...readBubbleAsked(r) };
    default:
      throw new DecodeError(`no BubbleS2c has the number ${variant}`);
  }
}

function readBubbleState(r: Reader): BubbleState {
  return {
    bubble: r.uint(),
    aside: r.bool(),
    locked: r.bool(),
    players: r.list(() => r.uint()),
  };
}

function readBubbles(r: Reader): Bubbles {
  return {
    full: r.bool(),
    bubbles: r.list(() => readBubbleState(r)),
  };
}

function readCallS2c(r: Reader): CallS2c {
  const variant = r.uint();
  switch (variant) {
    case 0:
      return { type: "Signal", ...readSignal(r) };
    case 1:
      return { type: "Sfu", ...readSfu(r) };
    default:
      throw new DecodeError(`no CallS2c has the number ${variant}`);
  }
}

function readCard(r: Reader): Card {
  return {
    player: r.uint(),
    user: r.string(),
    name: r.string(),
    avatar: r.option(() => readAvatar(r)),
    status: r.u8(),
    media: r.u8(),
  };
}

function readChatChanged(r: Reader): ChatChanged {
  return {
    id: r.string(),
    text: r.option(() => r.string()),
    at: r.uint(),
  };
}

function readChatMessage(r: Reader): ChatMessage {
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
    reactions: r.list(() => readReaction(r)),
    mac: r.list(() => r.u8()),
  };
}

function readChatRefused(r: Reader): ChatRefused {
  return {
    clientId: r.uint(),
    message: r.string(),
  };
}

function readChatS2c(r: Reader): ChatS2c {
  const variant = r.uint();
  switch (variant) {
    case 0:
      return { type: "Message", ...readChatMessage(r) };
    case 1:
      return { type: "Refused", ...readChatRefused(r) };
    case 2:
      return { type: "Changed", ...readChatChanged(r) };
    case 3:
      return { type: "Reacted", ...readReacted(r) };
    case 4:
      return { type: "Typing", ...readTyping(r) };
    case 5:
      return { type: "History", ...readHistory(r) };
    default:
      throw new DecodeError(`no ChatS2c has the number ${variant}`);
  }
}

function readDirectMessage(r: Reader): DirectMessage {
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

function readElementPlaced(r: Reader): ElementPlaced {
  return {
    id: r.string(),
    element: r.string(),
    x: r.uint(),
    y: r.uint(),
    mapVersion: r.uint(),
  };
}

function readElementRemoved(r: Reader): ElementRemoved {
  return {
    id: r.string(),
    mapVersion: r.uint(),
  };
}

function readElementS2c(r: Reader): ElementS2c {
  const variant = r.uint();
  switch (variant) {
    case 0:
      return { type: "Placed", ...readElementPlaced(r) };
    case 1:
      return { type: "Removed", ...readElementRemoved(r) };
    case 2:
      return { type: "MapChanged", ...readMapChanged(r) };
    default:
      throw new DecodeError(`no ElementS2c has the number ${variant}`);
  }
}

function readEmote(r: Reader): Emote {
  return {
    player: r.uint(),
    kind: r.u8(),
  };
}

function readFollowed(r: Reader): Followed {
  return {
    player: r.uint(),
    on: r.bool(),
  };
}

function readFrame(r: Reader): Frame {
  return {
    header: readHeader(r),
    roster: r.option(() => readRoster(r)),
    cells: r.list(() => readCell(r)),
    dropped: r.list(() => r.uint()),
  };
}

function readHeader(r: Reader): Header {
  return {
    tick: r.uint(),
    epoch: r.uint(),
    step: r.u8(),
    own: r.option(() => readOwn(r)),
  };
}

function readHistory(r: Reader): History {
  return {
    before: r.option(() => r.string()),
    messages: r.list(() => readChatMessage(r)),
    more: r.bool(),
  };
}

function readKnocked(r: Reader): Knocked {
  return {
    player: r.uint(),
    zone: r.uint(),
  };
}

function readMapChanged(r: Reader): MapChanged {
  return {
    mapVersion: r.uint(),
  };
}

function readMissed(r: Reader): Missed {
  return {
    mapVersion: r.uint(),
  };
}

function readNotice(r: Reader): Notice {
  return {
    code: r.string(),
    message: r.string(),
  };
}

function readOwn(r: Reader): Own {
  return {
    ack: r.uint(),
    state: readOwnState(r),
  };
}

function readOwnState(r: Reader): OwnState {
  return {
    x: r.int(),
    y: r.int(),
    carryX: r.i8(),
    carryY: r.i8(),
    facing: r.u8(),
    walking: r.bool(),
  };
}

function readPeer(r: Reader): Peer {
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

function readPeers(r: Reader): Peers {
  return {
    full: r.bool(),
    peers: r.list(() => readPeer(r)),
    gone: r.list(() => r.uint()),
  };
}

function readPong(r: Reader): Pong {
  return {
    nonce: r.uint(),
    tick: r.uint(),
  };
}

function readPortal(r: Reader): Portal {
  return {
    space: r.string(),
    arrive: r.string(),
  };
}

function readReacted(r: Reader): Reacted {
  return {
    id: r.string(),
    user: r.string(),
    emoji: r.string(),
    on: r.bool(),
  };
}

function readReaction(r: Reader): Reaction {
  return {
    emoji: r.string(),
    users: r.list(() => r.string()),
    more: r.uint(),
  };
}

function readRefused(r: Reader): Refused {
  return {
    code: r.uint(),
    message: r.string(),
  };
}

function readRoster(r: Reader): Roster {
  return {
    full: r.bool(),
    came: r.list(() => readCard(r)),
    gone: r.list(() => r.uint()),
  };
}

function readServerMessage(r: Reader): ServerMessage {
  const variant = r.uint();
  switch (variant) {
    case 0:
      return { type: "Session", value: readSessionS2c(r) };
    case 1:
      return { type: "Refused", ...readRefused(r) };
    case 2:
      return { type: "Frame", ...readFrame(r) };
    case 3:
      return { type: "Chat", value: readChatS2c(r) };
    case 4:
      return { type: "Emote", ...readEmote(r) };
    case 5:
      return { type: "Element", value: readElementS2c(r) };
    case 6:
      return { type: "Peers", ...readPeers(r) };
    case 7:
      return { type: "Call", value: readCallS2c(r) };
    case 8:
      return { type: "Status", value: readStatusS2c(r) };
    case 9:
      return { type: "Zone", value: readZoneS2c(r) };
    case 10:
      return { type: "Bubble", value: readBubbleS2c(r) };
    case 11:
      return { type: "Follow", ...readFollowed(r) };
    case 12:
      return { type: "Direct", ...readDirectMessage(r) };
    default:
      throw new DecodeError(`no ServerMessage has the number ${variant}`);
  }
}

function readSessionS2c(r: Reader): SessionS2c {
  const variant = r.uint();
  switch (variant) {
    case 0:
      return { type: "Welcome", ...readWelcome(r) };
    case 1:
      return { type: "Pong", ...readPong(r) };
    case 2:
      return { type: "Notice", ...readNotice(r) };
    case 3:
      return { type: "Missed", ...readMissed(r) };
    default:
      throw new DecodeError(`no SessionS2c has the number ${variant}`);
  }
}

function readSfu(r: Reader): Sfu {
  return {
    body: r.string(),
  };
}

function readSignal(r: Reader): Signal {
  return {
    player: r.uint(),
    body: r.string(),
  };
}

function readStatusS2c(r: Reader): StatusS2c {
  const variant = r.uint();
  switch (variant) {
    case 0:
      return { type: "Waved", ...readWaved(r) };
    default:
      throw new DecodeError(`no StatusS2c has the number ${variant}`);
  }
}

function readTyping(r: Reader): Typing {
  return {
    player: r.uint(),
    on: r.bool(),
  };
}

function readWaved(r: Reader): Waved {
  return {
    player: r.uint(),
    kind: r.u8(),
  };
}

function readWelcome(r: Reader): Welcome {
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
    own: readOwnState(r),
    blocked: r.list(() => r.string()),
  };
}

function readZoneS2c(r: Reader): ZoneS2c {
  const variant = r.uint();
  switch (variant) {
    case 0:
      return { type: "State", ...readZoneState(r) };
    case 1:
      return { type: "Knocked", ...readKnocked(r) };
    case 2:
      return { type: "Admitted", ...readAdmitted(r) };
    case 3:
      return { type: "Portal", ...readPortal(r) };
    default:
      throw new DecodeError(`no ZoneS2c has the number ${variant}`);
  }
}

function readZoneState(r: Reader): ZoneState {
  return {
    zone: r.uint(),
    locked: r.bool(),
    people: r.uint(),
    cap: r.uint(),
    lockedBy: r.option(() => r.uint()),
  };
}
