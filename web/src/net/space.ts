/**
 * Space: what a person sees and does in one space: the meaning of the messages. Signals tell the screens; the
 * renderer asks every frame.
 */

import { batch, type Signal, signal } from "@preact/signals";
import { Clock, Crowd } from "../world/crowd";
import { block, gridOf, type SpaceMap } from "../world/map";
import { type Grid, gridHash } from "../world/movement";
import { Prediction } from "../world/prediction";
import { api, currentToken } from "./api";
import type { ChatLine, ServerMessage } from "./codec";
import { Connection, type Status } from "./connection";

/** Local steps made up for at once. */
const MAKE_UP = 4;
/** Lines kept on the screen. */
const LINES = 200;
const BUBBLE_MILLIS = 6000;
const EMOTE_MILLIS = 2500;

export interface Line extends ChatLine {
  /** Not said yet, as far as the server told. */
  isWaiting: boolean;
  /** Why the server did not take it. */
  refused: string | null;
}

export interface Person {
  player: number;
  name: string;
  imageUrl: string | null;
  isMe: boolean;
}

export interface Bubble {
  text: string;
  until: number;
}

export interface Figures {
  frames: number;
  /** Of the last frame. */
  frameBytes: number;
  /** Bytes of all messages. */
  received: number;
  tick: number;
  step: number;
}

export class Space {
  readonly status: Signal<Status> = signal({ kind: "connecting", attempt: 0 });
  readonly name = signal("");
  readonly people: Signal<Person[]> = signal([]);
  readonly lines: Signal<Line[]> = signal([]);
  readonly notice: Signal<string | null> = signal(null);
  /** Rises when the map's picture changed. */
  readonly mapVersion = signal(0);
  /** What went wrong while fetching the map. */
  readonly failure: Signal<string | null> = signal(null);
  /** What an overloaded server gives up, 0 for nothing. */
  readonly step = signal(0);

  map: SpaceMap | undefined;
  crowd = new Crowd(1);
  prediction: Prediction | undefined;
  me = 0;
  /** Speech over heads, and emotes, by player. */
  readonly bubbles = new Map<number, Bubble>();
  readonly emotes = new Map<number, { kind: number; until: number }>();
  readonly figures: Figures = { frames: 0, frameBytes: 0, received: 0, tick: 0, step: 0 };
  /** Where the last walk goes, for the marker. */
  target: { x: number; y: number } | undefined;
  onSound: (sound: "chat" | "join" | "emote") => void = () => {};

  readonly #connection: Connection;
  #clock = new Clock(50);
  #tickMillis = 50;
  #stepDue = 0;
  #direction = 0;
  #run = false;
  #wasHeld = false;
  #chatId = 0;
  #view = { width: 30, height: 20 };
  #gridHash = 0;
  #mapWanted = false;
  #isFetching = false;

  constructor(readonly id: string) {
    this.#connection = new Connection(
      () => ({ token: currentToken() ?? "", space: id, viewWidth: this.#view.width, viewHeight: this.#view.height }),
      {
        status: (status) => {
          this.status.value = status;
        },
        message: (message, size) => this.#take(message, size),
      },
    );
  }

  get roundTrip(): number {
    return this.#connection.roundTrip;
  }

  /** Bytes sent since the beginning. */
  get sent(): number {
    return this.#connection.sent;
  }

  /** Milliseconds that frames come late, at worst, as measured. */
  get lateness(): number {
    return this.#clock.lateness;
  }

  /** Milliseconds that others are drawn in the past. */
  get delay(): number {
    return this.#clock.delay;
  }

  /** The direction that is held now. */
  hold(direction: number, run: boolean): void {
    this.#direction = direction;
    this.#run = run;
  }

  walkTo(x: number, y: number): void {
    const seq = this.prediction?.nextSeq();
    if (seq === undefined || !this.#connection.send({ type: "WalkTo", seq, x, y })) return;
    this.prediction?.walk(seq);
    this.target = { x, y };
  }

  walkToPlayer(player: number): void {
    const seq = this.prediction?.nextSeq();
    if (seq === undefined || !this.#connection.send({ type: "WalkToPlayer", seq, player })) return;
    this.prediction?.walk(seq);
    this.target = undefined;
  }

  /** Says a line; it shows as waiting until the server has it. */
  say(text: string): void {
    const clientId = ++this.#chatId;
    const name = this.crowd.cards.get(this.me)?.name ?? "";
    const user = this.crowd.cards.get(this.me)?.user ?? "";
    const line = { id: `mine-${clientId}`, clientId, player: this.me, user, name, text, at: Date.now() };
    const isSent = this.#connection.send({ type: "Chat", clientId, text });
    this.#addLine({
      ...line,
      isWaiting: isSent,
      refused: isSent ? null : "You are not connected. Send it again later.",
    });
  }

  emote(kind: number): void {
    this.#connection.send({ type: "Emote", kind });
  }

  /** The window shows this many tiles. */
  show(width: number, height: number): void {
    const view = { width: Math.ceil(width), height: Math.ceil(height) };
    if (view.width === this.#view.width && view.height === this.#view.height) return;
    this.#view = view;
    this.#connection.send({ type: "View", ...view });
  }

  retry(): void {
    this.#connection.retry();
  }

  leave(): void {
    this.#connection.close();
  }

  /** Runs the local steps that are due; called before every picture. */
  advance(now: number): void {
    const prediction = this.prediction;
    if (!prediction) return;
    // A page that was held up does not make up for more than the server would take from it.
    this.#stepDue = Math.max(this.#stepDue, now - (MAKE_UP - 1) * this.#tickMillis);
    while (now >= this.#stepDue) {
      this.#stepDue += this.#tickMillis;
      if (prediction.isFull) {
        prediction.rest();
        continue;
      }
      const isHeld = this.#direction !== 0;
      if ((isHeld || this.#wasHeld) && this.status.value.kind === "open") {
        const input = prediction.step(this.#direction, this.#run);
        this.#connection.send({ type: "Input", ...input });
        if (isHeld) this.target = undefined;
      } else prediction.rest();
      this.#wasHeld = isHeld;
    }
  }

  /** How far into the current local step `now` is, 0 to 1. */
  partOfStep(now: number): number {
    return Math.min(1, Math.max(0, 1 - (this.#stepDue - now) / this.#tickMillis));
  }

  /** The tick at which others are drawn. */
  drawnTick(now: number): number {
    return this.#clock.tickAt(now);
  }

  #take(message: ServerMessage, size: number): void {
    this.figures.received += size;
    switch (message.type) {
      case "Welcome":
        this.#welcome(message);
        break;
      case "Frame": {
        if (!this.crowd.apply(message)) break;
        this.#clock.hear(message.tick, performance.now());
        this.prediction?.reconcile(message.own, message.ack);
        if (!this.prediction?.walking) this.target = undefined;
        this.figures.frames++;
        this.figures.frameBytes = size;
        this.figures.tick = message.tick;
        this.figures.step = message.step;
        this.step.value = message.step;
        const { full, came, gone } = message.roster;
        if (full || came.length > 0 || gone.length > 0) {
          if (!full && came.some((card) => card.player !== this.me)) this.onSound("join");
          this.#listPeople();
        }
        break;
      }
      case "Chat":
        this.#hear(message);
        break;
      case "ChatRefused":
        this.lines.value = this.lines.value.map((line) =>
          line.isWaiting && line.clientId === message.clientId
            ? { ...line, isWaiting: false, refused: message.message }
            : line,
        );
        break;
      case "Emote":
        this.emotes.set(message.player, { kind: message.kind, until: performance.now() + EMOTE_MILLIS });
        this.onSound("emote");
        break;
      case "ElementPlaced":
      case "ElementChanged":
        void this.#fetchMap();
        break;
      case "ElementRemoved":
        this.#remove(message.id, message.mapVersion);
        break;
      case "Notice":
        if (message.code === "no-path") this.target = undefined;
        this.notice.value = message.message;
        break;
      case "Refused":
      case "Pong":
        break;
    }
  }

  #welcome(welcome: Extract<ServerMessage, { type: "Welcome" }>): void {
    this.crowd = new Crowd(welcome.width);
    this.me = welcome.player;
    // Player numbers may mean others now.
    this.bubbles.clear();
    this.emotes.clear();
    this.#tickMillis = 1000 / welcome.tickRate;
    this.#clock = new Clock(this.#tickMillis);
    this.#gridHash = welcome.gridHash;
    const grid = this.prediction?.grid ?? openGrid(welcome.width, welcome.height);
    this.prediction = new Prediction(welcome.own, grid, welcome.tickRate);
    this.target = undefined;
    batch(() => {
      this.name.value = welcome.spaceName;
      this.lines.value = mergeHistory(welcome.history, this.lines.value);
    });
    if (this.map?.version !== welcome.mapVersion || this.failure.value) void this.#fetchMap();
  }

  /** Fetches the map; changes that come meanwhile are fetched together, once more. */
  async #fetchMap(): Promise<void> {
    this.#mapWanted = true;
    if (this.#isFetching) return;
    this.#isFetching = true;
    while (this.#mapWanted) {
      this.#mapWanted = false;
      try {
        this.#takeMap(await api.spaceMap(this.id));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (this.map) this.notice.value = `The space changed, but its map did not arrive. ${reason}`;
        else this.failure.value = reason;
      }
    }
    this.#isFetching = false;
  }

  #takeMap(map: SpaceMap): void {
    if (this.map && map.version < this.map.version) return;
    this.map = map;
    const grid = gridOf(map);
    if (this.prediction) this.prediction.grid = grid;
    if (gridHash(grid) !== this.#gridHash) console.info("the map changed since it was announced");
    batch(() => {
      this.failure.value = null;
      this.mapVersion.value++;
    });
  }

  #remove(id: string, version: number): void {
    const map = this.map;
    const placement = map?.elements.find((placement) => placement.id === id);
    if (!map || !placement) return;
    map.version = version;
    map.elements = map.elements.filter((other) => other !== placement);
    if (this.prediction) block(this.prediction.grid, placement, -1);
    this.mapVersion.value++;
  }

  #hear(line: ChatLine): void {
    if (line.player !== null) {
      this.bubbles.set(line.player, { text: line.text, until: performance.now() + BUBBLE_MILLIS });
    }
    const said = { ...line, isWaiting: false, refused: null };
    const waiting =
      line.clientId === null
        ? -1
        : this.lines.value.findIndex((other) => other.isWaiting && other.clientId === line.clientId);
    if (waiting >= 0) {
      this.lines.value = this.lines.value.with(waiting, said);
      return;
    }
    this.#addLine(said);
    if (line.player !== this.me) this.onSound("chat");
  }

  #addLine(line: Line): void {
    this.lines.value = [...this.lines.value, line].slice(-LINES);
  }

  #listPeople(): void {
    const people = [...this.crowd.cards.values()].map((card) => ({
      player: card.player,
      name: card.name,
      imageUrl: card.avatar?.imageUrl ?? null,
      isMe: card.player === this.me,
    }));
    people.sort((a, b) => Number(b.isMe) - Number(a.isMe) || a.name.localeCompare(b.name));
    this.people.value = people;
  }
}

function openGrid(width: number, height: number): Grid {
  return { width, height, blockers: new Uint16Array(width * height) };
}

/** What was said, then the own lines of which nobody knows whether they arrived. */
export function mergeHistory(history: ChatLine[], before: Line[]): Line[] {
  const said = history.map((line) => ({ ...line, isWaiting: false, refused: null }));
  const newest = said.at(-1)?.at ?? 0;
  const isThere = (own: Line) =>
    said.some((line) => line.user === own.user && line.text === own.text && line.at >= own.at - CLOCK_SLACK);
  const open = before.filter((line) => line.isWaiting && !isThere(line));
  const refused = before.filter((line) => line.refused !== null && line.at > newest - REFUSED_KEPT);
  return [...said, ...refused, ...open.map((line) => ({ ...line, isWaiting: false, refused: UNSURE }))].slice(-LINES);
}

/** How far the clocks of server and browser may differ when a line is looked for in the history, in milliseconds. */
const CLOCK_SLACK = 60_000;
/** How long a refused line stays behind what was said since, in milliseconds. */
const REFUSED_KEPT = 600_000;
const UNSURE = "The connection broke before the server had this. Send it again.";
