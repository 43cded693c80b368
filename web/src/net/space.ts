/**
 * Space: one space as the person sees it: brings the server's messages to the part that they are
 * about, and ties the parts together. Signals update the screens; the renderer reads the rest on
 * every frame.
 */

import { batch, type Signal, signal } from "@preact/signals";
import { block } from "../world/map";
import { tileOf } from "../world/movement";
import type { Speaker } from "../world/voices";
import { Access } from "./access";
import { Bubbles } from "./bubbles";
import { Calls } from "./calls";
import type {
  ChatMessage,
  ClientMessage,
  Frame,
  Own,
  ServerMessage,
  SessionS2c,
  Welcome,
} from "./codec.gen";
import { Connection, type Status } from "./connection";
import { Conversation } from "./conversation";
import { Direct } from "./direct";
import { Following } from "./following";
import { currentToken } from "./http";
import { Overhead } from "./overhead";
import { OwnStatus, WAVE } from "./own-status";
import { People } from "./people";
import { Settings } from "./settings";
import { Silence } from "./silence";
import { MapCopy } from "./space-map";
import { Walking } from "./walking";
import { Zones } from "./zones";

/** Milliseconds between two looks at waiting messages and at silence. */
const POLL_EVERY = 250;
/** With more people in the space, arrivals make no sound. */
const FEW = 12;

/** A player waves at this one, or rings. */
export interface Wave {
  player: number;
  name: string;
  kind: number;
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
  readonly notice: Signal<string | null> = signal(null);
  /** The connection is open, but no frames come: the space is moving to another process. */
  readonly isMoving = signal(false);
  /** The overload step of the server; 0 for none. */
  readonly step = signal(0);
  readonly figures: Figures = { frames: 0, frameBytes: 0, received: 0, tick: 0, step: 0 };
  /** The epoch of the space. */
  epoch = 0;

  onSound: (sound: "chat" | "join" | "emote") => void = () => {};
  /** A player waves, rings or walks up. */
  onWave: (name: string, kind: number) => void = () => {};
  /** Waves and rings that are not answered yet, the newest last. */
  readonly waves: Signal<readonly Wave[]> = signal([]);
  /** This person stepped through a door to another space. */
  onPortal: (space: string, arrive: string) => void = () => {};
  /** Another player said something. */
  onMessage: (message: ChatMessage) => void = () => {};

  /** What several parts need. */
  readonly #common = {
    nameOf: (player: number) => this.people.nameOf(player),
    isHere: (player: number) => this.people.card(player) !== undefined,
    distanceTo: (player: number) => this.walking.distanceTo(player),
    notice: (message: string) => {
      this.notice.value = message;
    },
  };
  readonly people = new People({
    block: (user, blocked) => this.#send({ type: "Block", user, blocked }),
    came: () => {
      if (this.people.all.peek().length <= FEW) this.onSound("join");
    },
  });
  readonly walking = new Walking({
    send: (message) => this.#send(message),
    isOpen: () => this.status.value.kind === "open",
    whereIs: (player) => this.people.whereIs(player),
    choseWay: () => this.following.stop(),
  });
  readonly following = new Following({
    ...this.#common,
    send: (message) => this.#send({ type: "Follow", ...message }),
    card: (player) => this.people.card(player),
    playerOf: (user) => this.people.playerOf(user),
    canWalk: () => this.walking.prediction !== undefined,
    isWalking: () => this.walking.prediction?.walking ?? false,
    walkToPlayer: (player) => this.walking.toPlayer(player),
    approach: (player) => this.own.wave(player, WAVE.approach),
  });
  readonly own = new OwnStatus({
    send: (value) => this.#send({ type: "Status", value }),
    waved: (player, kind) => {
      if (kind === WAVE.lead) this.following.hearAsker(player);
      const name = this.people.nameOf(player);
      if (kind === WAVE.wave) this.#showWave(player);
      if (kind === WAVE.wave || kind === WAVE.ring)
        this.waves.value = [...this.#otherWaves(player), { player, name, kind }];
      this.onWave(name, kind);
    },
  });
  readonly map: MapCopy;
  readonly zones = new Zones({
    ...this.#common,
    send: (value) => this.#send({ type: "Zone", value }),
    zones: () => this.map.current?.zones ?? [],
    grid: () => this.map.current && this.walking.prediction?.grid,
    tile: () => this.walking.tile,
    hang: (doors) => {
      if (this.walking.prediction) this.walking.prediction.doors = doors;
    },
    knocked: () => this.onSound("join"),
    leave: (space, arrive) => {
      this.following.goAway(performance.now());
      this.onPortal(space, arrive);
    },
  });
  readonly bubbles = new Bubbles({
    ...this.#common,
    send: (message) => this.#send({ type: "Bubble", ...message }),
    me: () => this.people.me,
    knocked: (player) => this.zones.hearKnock(player),
    asked: () => this.onSound("join"),
    left: () => {
      this.zones.knocks.value = [];
    },
  });
  readonly calls = new Calls({
    send: (value) => this.#send({ type: "Call", value }),
    speaker: (player) =>
      speaker(this.people.whereIs(player), this.people.card(player)?.status ?? 0),
    me: () => speaker(this.walking.prediction?.body, this.own.chosen.value),
    zones: () => this.map.current?.zones,
    usualReach: () => this.settings.current.value?.rangeTiles,
  });
  /** Speech bubbles and emotes. */
  readonly overhead = new Overhead();
  readonly conversation: Conversation;
  readonly settings: Settings;
  /** What this user may do here, and who may enter. */
  readonly access: Access;
  /** Direct messages of this user. */
  readonly direct = new Direct(() => this.people.mine?.user ?? "");

  readonly #connection: Connection;
  readonly #silence = new Silence();
  readonly #polling = setInterval(() => this.#poll(), POLL_EVERY);
  #view = { width: 30, height: 20 };

  constructor(
    readonly id: string,
    arrive: string | null = null,
  ) {
    this.map = new MapCopy(id, {
      ...this.#common,
      changed: (grid) => {
        if (this.walking.prediction) this.walking.prediction.grid = grid;
        this.zones.updateDoors();
      },
      removed: (placement) => {
        if (this.walking.prediction) block(this.walking.prediction.grid, placement, -1);
      },
    });
    this.access = new Access(id, this.#common.notice);
    this.conversation = new Conversation(id, {
      ...this.#common,
      send: (value) => this.#send({ type: "Chat", value }),
      me: () => {
        const { name = "", user = "" } = this.people.mine ?? {};
        return { player: this.people.me, user, name };
      },
      heard: (message) => this.#hear(message),
      deleted: (id) => this.overhead.takeBack(id),
    });
    this.settings = new Settings(id);
    const hello = () => ({
      token: currentToken() ?? "",
      space: id,
      viewWidth: this.#view.width,
      viewHeight: this.#view.height,
      // A portal leads there once: a player who reconnects stands where they stood.
      arrive: this.people.me === 0 ? arrive : null,
    });
    this.#connection = new Connection(hello, {
      status: (status) => {
        this.status.value = status;
        if (status.kind === "open") return;
        this.conversation.drop();
        this.isMoving.value = false;
      },
      message: (message, size) => this.#take(message, size),
    });
  }

  get roundTrip(): number {
    return this.#connection.roundTrip;
  }

  /** Bytes sent since the beginning. */
  get sent(): number {
    return this.#connection.sent;
  }

  emote(kind: number): void {
    this.#send({ type: "Emote", kind });
  }

  /** Waves at a player. Only the two of them see it. */
  wave(player: number): void {
    this.own.wave(player, WAVE.wave);
    this.#showWave(this.people.me);
  }

  /** The wave of a player was answered, or is too long ago. */
  forgetWave(player: number): void {
    this.waves.value = this.#otherWaves(player);
  }

  #otherWaves(player: number): Wave[] {
    return this.waves.value.filter((wave) => wave.player !== player);
  }

  #showWave(player: number): void {
    this.overhead.show({ player, kind: 0 }, performance.now());
  }

  /** The window shows this many tiles. */
  show(width: number, height: number): void {
    const view = { width: Math.ceil(width), height: Math.ceil(height) };
    if (view.width === this.#view.width && view.height === this.#view.height) return;
    this.#view = view;
    this.#send({ type: "Session", value: { type: "View", ...view } });
  }

  retry(): void {
    this.#connection.retry();
  }

  leave(): void {
    clearInterval(this.#polling);
    this.map.close();
    this.#connection.close();
  }

  #send(message: ClientMessage): boolean {
    return this.#connection.send(message);
  }

  #take(message: ServerMessage, size: number): void {
    this.figures.received += size;
    switch (message.type) {
      case "Session":
        this.#takeSession(message.value);
        break;
      // The connection closes with the same reason.
      case "Refused":
        break;
      case "Frame":
        this.#takeFrame(message, size);
        break;
      case "Chat":
        this.conversation.take(message.value);
        break;
      case "Emote":
        this.overhead.show(message, performance.now());
        this.onSound("emote");
        break;
      case "Element":
        this.map.take(message.value);
        break;
      case "Peers":
        this.calls.hear(message);
        break;
      case "Call":
        this.calls.take(message.value);
        break;
      case "Status":
        this.own.take(message.value);
        break;
      case "Zone":
        this.zones.take(message.value);
        break;
      case "Bubble":
        this.bubbles.take(message.value);
        break;
      case "Follow":
        this.following.take(message);
        break;
      case "Direct":
        this.direct.hear(message);
        break;
      default:
        message satisfies never;
    }
  }

  #takeSession(message: SessionS2c): void {
    switch (message.type) {
      case "Welcome":
        this.#welcome(message);
        break;
      case "Notice":
        this.conversation.hear(message.code);
        this.settings.hear(message.code);
        if (message.code === "no-path") this.walking.refuse();
        if (message.code === "no-follow") this.following.refuse();
        if (!this.access.hear(message)) this.notice.value = message.message;
        break;
      case "Missed":
        this.map.hear(message.mapVersion);
        this.zones.missed();
        void this.direct.refresh();
        this.conversation.typing.value = [];
        break;
      // The connection measures the round trip with it.
      case "Pong":
        break;
      default:
        message satisfies never;
    }
  }

  #takeFrame(frame: Frame, size: number): void {
    if (!this.people.apply(frame)) return;
    const { tick, epoch, step, own } = frame.header;
    const now = performance.now();
    this.#silence.hear(now);
    this.isMoving.value = false;
    if (epoch > this.epoch && this.walking.knows(own)) this.#restart(epoch, own, now);
    this.walking.hear(own);
    Object.assign(this.figures, { frameBytes: size, tick, step });
    this.figures.frames++;
    this.step.value = step;
    this.people.hear(frame, now);
    if (!frame.roster) return;
    this.bubbles.forget(this.#common.isHere);
    if (this.waves.value.some(({ player }) => !this.#common.isHere(player)))
      this.waves.value = this.waves.value.filter(({ player }) => this.#common.isHere(player));
    this.following.forget(this.#common.isHere);
  }

  #welcome(welcome: Welcome): void {
    const isFirst = this.people.mine === undefined;
    this.people.begin(welcome);
    this.overhead.begin();
    this.waves.value = [];
    this.epoch = welcome.epoch;
    this.#silence.begin(performance.now());
    batch(() => {
      this.following.begin();
      this.walking.begin(welcome);
      this.own.begin();
      this.people.blocked.value = new Set(welcome.blocked);
      this.zones.begin();
      this.bubbles.begin();
      this.name.value = welcome.spaceName;
      // On the first welcome no card is known yet.
      this.conversation.begin(isFirst);
      void this.direct.refresh();
    });
    void this.access.refresh();
    this.map.begin(welcome);
    this.settings.begin();
  }

  /**
   * The space restarted: it may have lost the last steps and messages, and its ticks start again.
   */
  #restart(epoch: number, own: Own | null, now: number): void {
    this.epoch = epoch;
    this.people.restart();
    this.conversation.doubt();
    this.following.restart();
    this.walking.restart(own, now);
  }

  /** Called a few times a second, for what depends on time alone. */
  #poll(): void {
    const now = performance.now();
    this.following.poll(now);
    this.conversation.poll();
    const isAsked = this.walking.isWaiting || this.conversation.isWaiting;
    const isLong = this.#silence.isLong(now, isAsked);
    this.isMoving.value = isLong && this.status.value.kind === "open";
  }

  #hear(message: ChatMessage): void {
    this.overhead.say(message, performance.now());
    if (message.player === this.people.me) return;
    this.onSound("chat");
    this.onMessage(message);
  }
}

/** A player as voices see them. */
function speaker(at: { x: number; y: number } | undefined, status: number): Speaker | undefined {
  return at && { x: tileOf(at.x), y: tileOf(at.y), status };
}
