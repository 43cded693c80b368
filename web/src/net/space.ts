/**
 * Space: what a person sees and does in one space: the meaning of the messages. Signals tell the screens; the
 * renderer asks every frame.
 */

import { batch, type Signal, signal } from "@preact/signals";
import { Clock, Crowd } from "../world/crowd";
import { block, gridOf, type SpaceMap } from "../world/map";
import { type Grid, gridHash } from "../world/movement";
import { type Authority, type Input, Prediction } from "../world/prediction";
import { AT_ONCE, Recent } from "../world/recent";
import { api, currentToken } from "./api";
import { Chat, type Line } from "./chat";
import type { ChatLine, Frame, ServerMessage } from "./codec";
import { Connection, type Status } from "./connection";
import { Silence } from "./silence";

/** How old a walk that the server may not know is asked for again, in milliseconds. */
const WALK_AGAIN = 2000;
/** Local steps made up for at once. */
const MAKE_UP = 4;
/** How often waiting lines and silence are looked at, in milliseconds. */
const LOOK_EVERY = 250;
const BUBBLE_MILLIS = 6000;
const EMOTE_MILLIS = 2500;

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
  /** How many lines of others were heard. */
  readonly heard = signal(0);
  readonly notice: Signal<string | null> = signal(null);
  /** The line stands, but no frames come: the space is on its way to another process. */
  readonly isMoving = signal(false);
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
  readonly #chat = new Chat();
  readonly #looking = setInterval(() => this.#look(), LOOK_EVERY);
  #clock = new Clock(50);
  #tickMillis = 50;
  #stepDue = 0;
  #direction = 0;
  #run = false;
  #wasHeld = false;
  readonly #recent = new Recent();
  /** Steps that are made up for: already taken here, still to be sent. */
  #owed: Input[] = [];
  /** The walk that was asked for last. */
  #asked: { seq: number; x: number; y: number; at: number } | undefined;
  #epoch = 0;
  #ack = 0;
  readonly #silence = new Silence();
  /** Begins anywhere: the server takes a line that comes again under the same number for the same line. */
  #chatId = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
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
          if (status.kind === "open") return;
          this.#chat.drop(Date.now());
          this.isMoving.value = false;
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
    this.#walk(seq);
    this.target = { x, y };
    this.#asked = { seq, x, y, at: performance.now() };
  }

  walkToPlayer(player: number): void {
    const seq = this.prediction?.nextSeq();
    if (seq === undefined || !this.#connection.send({ type: "WalkToPlayer", seq, player })) return;
    this.#walk(seq);
    this.target = undefined;
  }

  /** Says a line; it shows as waiting until the server has it. */
  say(text: string): void {
    this.#chatId = (this.#chatId + 1) >>> 0;
    const clientId = this.#chatId;
    const { name = "", user = "" } = this.crowd.cards.get(this.me) ?? {};
    const now = Date.now();
    this.#chat.say({ id: `mine-${clientId}`, clientId, player: this.me, user, name, text, at: now }, now);
    this.#sendLines();
    this.#showLines();
  }

  /** Says a line that failed once more. */
  sayAgain(clientId: number): void {
    this.#chat.tryAgain(clientId, Date.now());
    this.#sendLines();
    this.#showLines();
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
    clearInterval(this.#looking);
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
      if (this.#owed.length > 0 || prediction.isFull) {
        this.#sendOwed(1);
        prediction.rest();
        continue;
      }
      const isHeld = this.#direction !== 0;
      if ((isHeld || this.#wasHeld) && this.status.value.kind === "open") {
        const { x, y } = prediction.body;
        const input = prediction.step(this.#direction, this.#run);
        this.#recent.add(input, { x, y }, performance.now());
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

  /** Which life of the space is shown. */
  get epoch(): number {
    return this.#epoch;
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
        const now = performance.now();
        this.#silence.hear(message, now);
        this.isMoving.value = false;
        if (message.epoch > this.#epoch) this.#liveOn(message, now);
        this.#ack = message.ack;
        this.#clock.hear(message.tick, now);
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
        this.#chat.refuse(message.clientId, message.message);
        this.#showLines();
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
    const user = this.crowd.cards.get(this.me)?.user;
    this.crowd = new Crowd(welcome.width);
    this.me = welcome.player;
    // Player numbers may mean others now.
    this.bubbles.clear();
    this.emotes.clear();
    this.#tickMillis = 1000 / welcome.tickRate;
    this.#clock = new Clock(this.#tickMillis);
    this.#gridHash = welcome.gridHash;
    this.#epoch = welcome.epoch;
    this.#silence.begin(performance.now());
    this.#comeBack(welcome.own, openGrid(welcome.width, welcome.height), welcome.tickRate);
    batch(() => {
      this.name.value = welcome.spaceName;
      const missed = this.#chat.welcome(welcome.history, Date.now());
      // On the first welcome nobody is known yet, and nothing was missed.
      if (user !== undefined) this.heard.value += missed.filter((line) => line.user !== user).length;
      this.#sendLines();
      this.#showLines();
    });
    if (this.map?.version !== welcome.mapVersion || this.failure.value) void this.#fetchMap();
  }

  /** Stands where the server says, and makes up for what it does not know any more. It counts inputs anew. */
  #comeBack(own: Authority, openGrid: Grid, tickRate: number): void {
    const before = this.prediction;
    const now = performance.now();
    const prediction = new Prediction(own, before?.grid ?? openGrid, tickRate);
    const forgotten = before ? this.#recent.since(own, before.body, now) : [];
    const asked = this.#asked;
    this.prediction = prediction;
    this.target = undefined;
    this.#recent.clear();
    this.#owed = forgotten.map(({ input, at }) => {
      const { x, y } = prediction.body;
      const again = prediction.step(input.direction, input.run);
      this.#recent.add(again, { x, y }, at);
      return again;
    });
    prediction.rest();
    if (this.#owed.length > 0) this.#wasHeld = true;
    this.#sendOwed(AT_ONCE);
    const isUnheard = asked !== undefined && asked.seq > this.#ack && now - asked.at < WALK_AGAIN;
    if (isUnheard && before?.walking) this.walkTo(asked.x, asked.y);
    this.#ack = 0;
  }

  /** A new life of the space: it may have forgotten the last steps and lines, and its ticks are others. */
  #liveOn(frame: Frame, now: number): void {
    this.#epoch = frame.epoch;
    this.#clock = new Clock(this.#tickMillis);
    this.#chat.doubt();
    this.#sendLines();
    const prediction = this.prediction;
    if (!prediction) return;
    if (frame.ack >= this.#ack) {
      // Nothing that was answered is forgotten; what was on its way may be. The server takes each number once.
      for (const input of prediction.since(frame.ack)) this.#connection.send({ type: "Input", ...input });
      return;
    }
    const forgotten = this.#recent.since(frame.own, prediction.body, now).map(({ input }) => input);
    if (forgotten.length === 0) return;
    prediction.expect(forgotten);
    this.#owed = forgotten;
    this.#sendOwed(AT_ONCE);
  }

  #walk(seq: number): void {
    this.prediction?.walk(seq);
    this.#recent.clear();
    this.#owed = [];
  }

  /** Sends steps that are made up for. */
  #sendOwed(count: number): void {
    if (this.status.value.kind !== "open") return;
    for (const input of this.#owed.splice(0, count)) this.#connection.send({ type: "Input", ...input });
  }

  /** Sends the lines that are due. */
  #sendLines(): void {
    for (const line of this.#chat.due(Date.now())) this.#connection.send({ type: "Chat", ...line });
  }

  #showLines(): void {
    this.lines.value = this.#chat.lines;
  }

  /** What only time brings about. */
  #look(): void {
    this.#sendLines();
    if (this.#chat.expire(Date.now())) this.#showLines();
    const { pending = 0, walking = false } = this.prediction ?? {};
    const isLong = this.#silence.isLong(performance.now(), pending > 0 || walking || this.#chat.isWaiting);
    this.isMoving.value = isLong && this.status.value.kind === "open";
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
    const isNew = this.#chat.hear(line);
    this.#showLines();
    if (!isNew) return;
    if (line.player !== null) {
      this.bubbles.set(line.player, { text: line.text, until: performance.now() + BUBBLE_MILLIS });
    }
    if (line.player === this.me) return;
    this.heard.value++;
    this.onSound("chat");
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
