/**
 * Space: one space as the person sees it: takes the server's messages and sends the person's
 * actions. Signals update the screens; the renderer reads the rest on every frame.
 */

import { batch, type Signal, signal } from "@preact/signals";
import { Clock, Crowd } from "../world/crowd";
import { closedZoneAt, type Door, doorsOf, type PrivateZone, whyClosed } from "../world/doors";
import { leadsOut } from "../world/home";
import { block, gridOf, type SpaceMap } from "../world/map";
import { plain } from "../world/markdown";
import { type Grid, gridHash, SUBTILES } from "../world/movement";
import { type Authority, type Input, Prediction } from "../world/prediction";
import { AT_ONCE, Recent } from "../world/recent";
import { reachBetween } from "../world/voices";
import { api } from "./api";
import type {
  BubbleS2c,
  BubbleState,
  CallC2s,
  CallS2c,
  Card,
  ChatMessage,
  ElementS2c,
  Emote,
  Followed,
  Frame,
  MovementC2s,
  Own,
  Peer,
  Peers,
  ServerMessage,
  SessionS2c,
  StatusC2s,
  StatusS2c,
  Welcome,
  ZoneC2s,
  ZoneS2c,
} from "./codec.gen";
import { Connection, type Status } from "./connection";
import { Conversation } from "./conversation";
import { Direct } from "./direct";
import { currentToken } from "./http";
import { MapFetcher } from "./map-fetcher";
import { Silence } from "./silence";

/** Age in milliseconds up to which a walk that the server may not know is requested again. */
const WALK_AGAIN = 2000;
/** Local steps that are made up for at once. */
const MAKE_UP = 4;
/** Distance in tiles from which a follower walks on. */
const FOLLOW_FROM = 2;
/** Milliseconds between two looks at waiting messages and at silence. */
const POLL_EVERY = 250;
const SPEECH_MILLIS = 6000;
/** Distance in tiles within which a bubble can be joined. */
const JOIN_WITHIN = 2;
/** Kinds of waves, as the server numbers them. */
const WAVE = { wave: 0, ring: 1, approach: 2, lead: 3 } as const;
/** How many requests to come along are remembered. */
const LEADERS = 3;
/** Actions on bubbles, as the server numbers them. */
const BUBBLE_ACTION = {
  form: 0,
  aside: 1,
  join: 2,
  leave: 3,
  lock: 4,
  open: 5,
  accept: 6,
  decline: 7,
} as const;
/** Milliseconds that a followed player may take to arrive through a portal. */
const ARRIVES_WITHIN = 15_000;

/** The user who is followed to another space: the page opens a new connection there. */
let followedAway: { user: string; name: string; until: number } | undefined;
const EMOTE_MILLIS = 2500;

/** The state of a private zone, as the server sends it. */
export interface PrivateZoneState {
  locked: boolean;
  people: number;
  /** 0 for no limit. */
  cap: number;
  /** The player who locked it, if known. */
  lockedBy: number | null;
}

/** A player who asks to come in. */
export interface Knock {
  player: number;
  name: string;
}

/** A player who asks others to talk with them. */
export interface Asker extends Knock {
  aside: boolean;
}

export interface Speech {
  /** The id of the message that is shown. */
  message: string;
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
  /** Cards of all players here, the own one first. */
  readonly people: Signal<Card[]> = signal([]);
  readonly notice: Signal<string | null> = signal(null);
  /** The connection is open, but no frames come: the space is moving to another process. */
  readonly isMoving = signal(false);
  /** Rises with every change of the map. */
  readonly mapVersion = signal(0);
  /** What went wrong while fetching the map. */
  readonly failure: Signal<string | null> = signal(null);
  /** The overload step of the server; 0 for none. */
  readonly step = signal(0);

  /** The players this one is connected to. */
  readonly peers: Signal<ReadonlyMap<number, Peer>> = signal(new Map());
  /** Private zones that are locked, limited or used, by the zone's index in the map. */
  readonly zoneStates: Signal<ReadonlyMap<number, PrivateZoneState>> = signal(new Map());
  /** Conversation bubbles by number. */
  readonly bubbles: Signal<ReadonlyMap<number, BubbleState>> = signal(new Map());
  /** Players who asked this one to come along. */
  readonly leaders: Signal<{ player: number; name: string }[]> = signal([]);
  readonly knocks: Signal<Knock[]> = signal([]);
  /** Players who ask this one to talk in a bubble. */
  readonly askers: Signal<Asker[]> = signal([]);
  /** Players who follow this one. */
  readonly followers: Signal<Knock[]> = signal([]);
  /** Users that this one has blocked. */
  readonly blocked: Signal<ReadonlySet<string>> = signal(new Set());
  /** The own status: 0 available, 1 busy, 2 away, 3 do not disturb, 4 quiet. */
  readonly ownStatus = signal(0);
  /** The player that this one follows. */
  readonly following: Signal<number | null> = signal(null);

  map: SpaceMap | undefined;
  crowd = new Crowd(1);
  prediction: Prediction | undefined;
  me = 0;
  /** Speech bubbles and emotes over heads, by player. */
  readonly speeches = new Map<number, Speech>();
  readonly emotes = new Map<number, { kind: number; until: number }>();
  readonly figures: Figures = { frames: 0, frameBytes: 0, received: 0, tick: 0, step: 0 };
  /** Where the last walk goes, for the marker. */
  target: { x: number; y: number } | undefined;
  onSound: (sound: "chat" | "join" | "emote") => void = () => {};
  /** A player sent a signal about the connection to them. */
  onSignal: (player: number, body: string) => void = () => {};
  onSfu: (body: string) => void = () => {};
  /** A player waves, rings or walks up. */
  onWave: (name: string, player: number, kind: number) => void = () => {};
  /** This person stepped through a door to another space. */
  onPortal: (space: string, arrive: string) => void = () => {};

  /** Another player said something. */
  onMessage: (message: ChatMessage) => void = () => {};
  readonly conversation: Conversation;
  /** Direct messages of this user. */
  readonly direct = new Direct(() => this.crowd.cards.get(this.me)?.user ?? "");

  readonly #connection: Connection;
  /** Locked zones that this player was let into. */
  readonly #admitted = new Set<number>();
  /** Whether this player left their bubble on purpose. */
  #hasLeftBubble = false;
  #media = { audio: false, video: false, screen: false };
  readonly #polling = setInterval(() => this.#poll(), POLL_EVERY);
  #clock = new Clock(50);
  #tickMillis = 50;
  #stepDue = 0;
  #direction = 0;
  #run = false;
  #wasHeld = false;
  readonly #recent = new Recent();
  /** Steps that are made up for: taken here already, still to be sent. */
  #owed: Input[] = [];
  /** The walk that was asked for last. */
  #asked: { seq: number; x: number; y: number; at: number } | undefined;
  #epoch = 0;
  /** The last own state that the server sent. */
  #own: Own | undefined;
  readonly #silence = new Silence();
  #view = { width: 30, height: 20 };
  #gridHash = 0;
  readonly #maps: MapFetcher;

  constructor(
    readonly id: string,
    arrive: string | null = null,
  ) {
    this.conversation = new Conversation(id, {
      send: (value) => this.#connection.send({ type: "Chat", value }),
      me: () => {
        const { name = "", user = "" } = this.crowd.cards.get(this.me) ?? {};
        return { player: this.me, user, name };
      },
      heard: (message) => this.#hear(message),
      deleted: (id) => this.#takeBack(id),
      notice: (message) => {
        this.notice.value = message;
      },
    });
    this.#maps = new MapFetcher(() => api.spaceMap(id), {
      version: () => this.map?.version,
      take: (map) => this.#takeMap(map),
      failed: (reason) => {
        if (this.map)
          this.notice.value = `The space changed, but its map did not arrive. ${reason}`;
        else this.failure.value = reason;
      },
    });
    this.#connection = new Connection(
      () => ({
        token: currentToken() ?? "",
        space: id,
        viewWidth: this.#view.width,
        viewHeight: this.#view.height,
        // A portal leads there once: a player who reconnects stands where they stood.
        arrive: this.me === 0 ? arrive : null,
      }),
      {
        status: (status) => {
          this.status.value = status;
          if (status.kind === "open") return;
          this.conversation.drop();
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
    if (direction !== 0) this.#goAfter(null);
    this.#direction = direction;
    this.#run = run;
  }

  /** Follows a player until told otherwise; `null` to stop. */
  follow(player: number | null): void {
    this.#goAfter(player);
    if (player !== null) this.walkToPlayer(player);
  }

  /** Tells the server, so that the followed player sees it and portals take the follower along. */
  #goAfter(player: number | null): void {
    if (this.following.value === player) return;
    this.following.value = player;
    this.#connection.send({ type: "Follow", player });
  }

  walkTo(x: number, y: number): void {
    this.#goAfter(null);
    const seq = this.prediction?.nextSeq();
    if (seq === undefined || !this.#sendMovement({ type: "WalkTo", seq, x, y })) return;
    this.#walk(seq);
    this.target = { x, y };
    this.#asked = { seq, x, y, at: performance.now() };
  }

  walkToPlayer(player: number): void {
    const seq = this.prediction?.nextSeq();
    if (seq === undefined || !this.#sendMovement({ type: "WalkToPlayer", seq, player })) return;
    this.#walk(seq);
    this.target = undefined;
  }

  /** Sends a signal about the connection to one player. */
  signal(player: number, body: string): void {
    this.#sendCall({ type: "Signal", player, body });
  }

  /** Sends a message to the SFU. */
  sendToSfu(body: string): void {
    this.#sendCall({ type: "Sfu", body });
  }

  media(audio: boolean, video: boolean, screen: boolean): void {
    this.#media = { audio, video, screen };
    this.#sendStatus({ type: "Media", ...this.#media });
  }

  setStatus(status: number): void {
    this.ownStatus.value = status;
    this.#sendStatus({ type: "Set", status });
  }

  wave(player: number, kind: number): void {
    this.#sendStatus({ type: "Wave", player, kind });
  }

  lock(zone: number, locked: boolean): void {
    this.#sendZone({ type: "Lock", zone, locked });
  }

  knock(zone: number): void {
    if (this.#sendZone({ type: "Knock", zone }))
      this.notice.value = "You knocked. A person inside can let you in.";
  }

  /** The bubble or the aside this person is in. */
  get bubble(): BubbleState | undefined {
    return [...this.bubbles.value.values()].find(({ players }) => players.includes(this.me));
  }

  /** A bubble of others that this person stands next to. */
  nearbyBubble(): BubbleState | undefined {
    if (this.bubble) return undefined;
    const isNear = (player: number) => this.distanceTo(player) <= JOIN_WITHIN;
    return [...this.bubbles.value.values()].find(({ players }) => players.some(isNear));
  }

  /** Talks among those who stand near; aside, those outside are still heard softly. */
  gather(isAside: boolean): void {
    this.#sendBubble(isAside ? BUBBLE_ACTION.aside : BUBBLE_ACTION.form);
    this.notice.value = "You asked those right next to you. It begins when one of them agrees.";
  }

  /** Steps into a bubble, or knocks at it. */
  joinBubble({ bubble, locked }: BubbleState): void {
    this.#sendBubble(BUBBLE_ACTION.join, bubble);
    if (locked) this.notice.value = "You knocked. A person in the bubble can let you in.";
  }

  leaveBubble(): void {
    this.#hasLeftBubble = true;
    this.#sendBubble(BUBBLE_ACTION.leave);
  }

  lockBubble(locked: boolean): void {
    this.#sendBubble(locked ? BUBBLE_ACTION.lock : BUBBLE_ACTION.open);
  }

  #sendMovement(value: MovementC2s): boolean {
    return this.#connection.send({ type: "Movement", value });
  }

  #sendCall(value: CallC2s): void {
    this.#connection.send({ type: "Call", value });
  }

  #sendStatus(value: StatusC2s): void {
    this.#connection.send({ type: "Status", value });
  }

  #sendZone(value: ZoneC2s): boolean {
    return this.#connection.send({ type: "Zone", value });
  }

  #sendBubble(deed: number, bubble = 0): void {
    this.#connection.send({ type: "Bubble", deed, bubble });
  }

  /** Talks with someone who asked, or not. */
  answerAsker(player: number, agrees: boolean): void {
    this.askers.value = this.askers.value.filter((asker) => asker.player !== player);
    this.#sendBubble(agrees ? BUBBLE_ACTION.accept : BUBBLE_ACTION.decline, player);
  }

  /** Lets a player in who knocked, or not. */
  answer(player: number, isWelcome: boolean): void {
    this.knocks.value = this.knocks.value.filter((knock) => knock.player !== player);
    if (isWelcome) this.#sendZone({ type: "Admit", player });
  }

  block(user: string, blocked: boolean): void {
    const all = new Set(this.blocked.value);
    if (blocked) all.add(user);
    else all.delete(user);
    this.blocked.value = all;
    this.#connection.send({ type: "Block", user, blocked });
  }

  /** Asks a player to come along. */
  lead(player: number): void {
    this.wave(player, WAVE.lead);
  }

  /** Comes along with a player who asked, or not. */
  answerLeader(player: number, isWelcome: boolean): void {
    this.leaders.value = this.leaders.value.filter((leader) => leader.player !== player);
    if (!isWelcome) return;
    this.wave(player, WAVE.approach);
    this.follow(player);
  }

  /** The distance to a player, in tiles. */
  distanceTo(player: number): number {
    const body = this.prediction?.body;
    const there = this.crowd.walkers.get(player)?.trail.at(-1);
    return body && there
      ? Math.hypot(body.x - there.x, body.y - there.y) / SUBTILES
      : Number.POSITIVE_INFINITY;
  }

  /**
   * The range of voices between this player and another one, in tiles; the space's range while a
   * position is unknown.
   */
  reachTo(player: number): number | undefined {
    const body = this.prediction?.body;
    const there = this.crowd.walkers.get(player)?.trail.at(-1);
    const usual = this.conversation.rules.value?.reach;
    if (!body || !there || !this.map || usual === undefined) return usual;
    const speaker = ({ x, y }: { x: number; y: number }, status: number) => ({
      x: Math.floor(x / SUBTILES),
      y: Math.floor(y / SUBTILES),
      status,
    });
    const other = speaker(there, this.crowd.cards.get(player)?.status ?? 0);
    return reachBetween(speaker(body, this.ownStatus.value), other, this.map.zones, usual);
  }

  /** The zones that this player stands in, as indices in the map. */
  zonesHere(): number[] {
    const body = this.prediction?.body;
    if (!body || !this.map) return [];
    const [x, y] = [Math.floor(body.x / SUBTILES), Math.floor(body.y / SUBTILES)];
    const isHere = (zone: { x: number; y: number; width: number; height: number }) =>
      x >= zone.x && y >= zone.y && x < zone.x + zone.width && y < zone.y + zone.height;
    return this.map.zones.flatMap((zone, index) => (isHere(zone) ? [index] : []));
  }

  /** The closed private zone before this player: why it is closed, and its name. */
  doorHere(): Door | undefined {
    const body = this.prediction?.body;
    if (!body) return undefined;
    const [x, y] = [Math.floor(body.x / SUBTILES), Math.floor(body.y / SUBTILES)];
    const zone = closedZoneAt(this.#privateZones(), (zone) => this.#isClosed(zone), x, y);
    const state = zone === undefined ? undefined : this.zoneStates.value.get(zone);
    if (zone === undefined || !state) return undefined;
    const name = this.map?.zones[zone]?.name || "the door";
    const keeper = state.lockedBy === null ? undefined : this.crowd.cards.get(state.lockedBy)?.name;
    return { zone, name, why: whyClosed(state, keeper) };
  }

  /** Whether no way leads out of where this player stands. */
  isWalledIn(): boolean {
    const { body, grid, doors } = this.prediction ?? {};
    if (!body || !grid || !doors || !this.map) return false;
    const [x, y] = [Math.floor(body.x / SUBTILES), Math.floor(body.y / SUBTILES)];
    return !leadsOut(grid, doors, this.map.zones, x, y);
  }

  /** Back to where people arrive. */
  goHome(): void {
    this.target = undefined;
    this.follow(null);
    this.#sendMovement({ type: "Home" });
  }

  emote(kind: number): void {
    this.#connection.send({ type: "Emote", kind });
  }

  /** The window shows this many tiles. */
  show(width: number, height: number): void {
    const view = { width: Math.ceil(width), height: Math.ceil(height) };
    if (view.width === this.#view.width && view.height === this.#view.height) return;
    this.#view = view;
    this.#connection.send({ type: "Session", value: { type: "View", ...view } });
  }

  retry(): void {
    this.#connection.retry();
  }

  leave(): void {
    clearInterval(this.#polling);
    this.#maps.end();
    this.#connection.close();
  }

  /** Runs the local steps that are due; called before every drawn frame. */
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

  /** The epoch of the space. */
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
        this.#takeEmote(message);
        break;
      case "Element":
        this.#takeElement(message.value);
        break;
      case "Peers":
        this.#takePeers(message);
        break;
      case "Call":
        this.#takeCall(message.value);
        break;
      case "Status":
        this.#takeStatus(message.value);
        break;
      case "Zone":
        this.#takeZone(message.value);
        break;
      case "Bubble":
        this.#takeBubble(message.value);
        break;
      case "Follow":
        this.#takeFollower(message);
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
        if (message.code === "no-path") this.target = undefined;
        if (message.code === "no-follow") this.following.value = null;
        this.notice.value = message.message;
        break;
      case "Missed":
        this.#maps.hearOf(message.mapVersion);
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

  #takeEmote({ player, kind }: Emote): void {
    this.emotes.set(player, { kind, until: performance.now() + EMOTE_MILLIS });
    this.onSound("emote");
  }

  #takeElement(message: ElementS2c): void {
    switch (message.type) {
      case "Placed":
      case "MapChanged":
        this.#maps.hearOf(message.mapVersion);
        break;
      case "Removed":
        this.#remove(message.id, message.mapVersion);
        break;
      default:
        message satisfies never;
    }
  }

  #takePeers({ full, peers: changed, gone }: Peers): void {
    const peers = new Map(full ? [] : this.peers.value);
    for (const peer of changed) peers.set(peer.player, peer);
    for (const player of gone) peers.delete(player);
    this.peers.value = peers;
  }

  #takeCall(message: CallS2c): void {
    switch (message.type) {
      case "Signal":
        this.onSignal(message.player, message.body);
        break;
      case "Sfu":
        this.onSfu(message.body);
        break;
      default:
        message satisfies never;
    }
  }

  #takeStatus(message: StatusS2c): void {
    switch (message.type) {
      case "Waved":
        if (message.kind === WAVE.lead) this.#hearLeader(message.player);
        this.onWave(this.#nameOf(message.player), message.player, message.kind);
        break;
      default:
        message.type satisfies never;
    }
  }

  #takeZone(message: ZoneS2c): void {
    switch (message.type) {
      case "State": {
        const { zone, locked, people, cap, lockedBy } = message;
        const state = { locked, people, cap, lockedBy };
        this.zoneStates.value = new Map(this.zoneStates.value).set(zone, state);
        if (!locked) this.#admitted.delete(zone);
        this.#updateDoors();
        break;
      }
      case "Knocked":
        this.#hearKnock(message.player);
        break;
      case "Admitted":
        this.#admitted.add(message.zone);
        this.#updateDoors();
        this.notice.value = "You may come in.";
        break;
      case "Portal":
        this.#followAway();
        this.onPortal(message.space, message.arrive);
        break;
      default:
        message satisfies never;
    }
  }

  #takeBubble(message: BubbleS2c): void {
    switch (message.type) {
      case "Changed":
        this.#changeBubbles(message.full, message.bubbles);
        break;
      case "Knocked":
        this.#hearKnock(message.player);
        break;
      case "Asked":
        this.#hearAsker(message.player, message.aside);
        break;
      default:
        message satisfies never;
    }
  }

  #takeFollower({ player, on }: Followed): void {
    const others = this.followers.value.filter((follower) => follower.player !== player);
    const follower = { player, name: this.#nameOf(player) };
    this.followers.value = on ? [...others, follower] : others;
  }

  #takeFrame(frame: Frame, size: number): void {
    if (!this.crowd.apply(frame)) return;
    const { tick, epoch, step } = frame.header;
    const now = performance.now();
    this.#silence.hear(now);
    this.isMoving.value = false;
    const own = frame.header.own ?? this.#own;
    if (own && epoch > this.#epoch) this.#liveOn(epoch, own, now);
    this.#own = own;
    this.#clock.hear(tick, now);
    if (own) this.prediction?.reconcile(own.state, own.ack);
    if (!this.prediction?.walking) this.target = undefined;
    this.figures.frames++;
    this.figures.frameBytes = size;
    this.figures.tick = tick;
    this.figures.step = step;
    this.step.value = step;
    if (!frame.roster) return;
    const { full, came } = frame.roster;
    if (!full && came.some((card) => card.player !== this.me)) this.onSound("join");
    this.#listPeople();
  }

  #welcome(welcome: Welcome): void {
    const user = this.crowd.cards.get(this.me)?.user;
    this.crowd = new Crowd(welcome.width);
    this.me = welcome.player;
    // Player numbers may mean other users now.
    this.speeches.clear();
    this.emotes.clear();
    this.following.value = null;
    this.#tickMillis = 1000 / welcome.tickRate;
    this.#clock = new Clock(this.#tickMillis);
    this.#gridHash = welcome.gridHash;
    this.#epoch = welcome.epoch;
    this.#silence.begin(performance.now());
    this.#comeBack(welcome.own, openGrid(welcome.width, welcome.height), welcome.tickRate);
    this.#admitted.clear();
    this.#introduce();
    batch(() => {
      this.blocked.value = new Set(welcome.blocked);
      this.zoneStates.value = new Map();
      this.#updateDoors();
      this.knocks.value = [];
      this.leaders.value = [];
      this.askers.value = [];
      this.followers.value = [];
      this.bubbles.value = new Map();
      this.name.value = welcome.spaceName;
      // On the first welcome no card is known yet.
      this.conversation.begin(user === undefined);
      void this.direct.refresh();
    });
    this.#maps.begin(welcome.mapVersion);
  }

  /**
   * Updates what is closed to this player: zones that are full, and locked ones that they were not
   * let into.
   */
  #updateDoors(): void {
    if (!this.prediction || !this.map) return;
    this.prediction.doors = doorsOf(this.#privateZones(), (zone) => this.#isClosed(zone));
  }

  #privateZones(): PrivateZone[] {
    const zones = this.map?.zones ?? [];
    return zones.flatMap((area, zone): PrivateZone[] =>
      area.kind === "private" ? [{ zone, area }] : [],
    );
  }

  #isClosed(zone: number): boolean {
    const state = this.zoneStates.value.get(zone);
    if (!state) return false;
    return (
      (state.cap > 0 && state.people >= state.cap) || (state.locked && !this.#admitted.has(zone))
    );
  }

  /** A new connection knows nothing of what was switched on. */
  #introduce(): void {
    if (Object.values(this.#media).some(Boolean))
      this.#sendStatus({ type: "Media", ...this.#media });
    if (this.ownStatus.value !== 0) this.#sendStatus({ type: "Set", status: this.ownStatus.value });
  }

  #hearLeader(player: number): void {
    const others = this.leaders.value.filter((leader) => leader.player !== player);
    // The oldest request is dropped: the last ones count.
    this.leaders.value = [...others.slice(1 - LEADERS), { player, name: this.#nameOf(player) }];
  }

  #hearAsker(player: number, aside: boolean): void {
    const others = this.askers.value.filter((asker) => asker.player !== player);
    // The oldest request is dropped: the last ones count.
    const asker = { player, aside, name: this.#nameOf(player) };
    this.askers.value = [...others.slice(1 - LEADERS), asker];
    this.onSound("join");
  }

  #hearKnock(player: number): void {
    const others = this.knocks.value.filter((knock) => knock.player !== player);
    this.knocks.value = [...others, { player, name: this.#nameOf(player) }];
    this.onSound("join");
  }

  /**
   * Takes the state of the bubbles. The person is told when they join one, and when others hear
   * them again.
   */
  #changeBubbles(full: boolean, changed: BubbleState[]): void {
    const before = this.bubble;
    const bubbles = new Map(full ? [] : this.bubbles.value);
    for (const entry of changed) {
      if (entry.players.length > 0) bubbles.set(entry.bubble, entry);
      else bubbles.delete(entry.bubble);
    }
    this.bubbles.value = bubbles;
    const now = this.bubble;
    if (now && now.bubble !== before?.bubble) {
      const names = now.players
        .filter((player) => player !== this.me)
        .map((player) => this.#nameOf(player));
      const who = names.length > 3 ? `${names.length} people` : names.join(", ");
      this.notice.value = now.aside
        ? `You stand aside with ${who}. Others hear you only softly.`
        : `You are in a bubble with ${who}. No one else hears you.`;
      this.#hasLeftBubble = false;
    } else if (before && !now) {
      if (!this.#hasLeftBubble) {
        const left = before.aside ? "the aside" : "the bubble";
        this.notice.value = `You are no longer in ${left}: people near you hear you.`;
      }
      this.#hasLeftBubble = false;
      this.knocks.value = [];
    }
  }

  /** Remembers the person who is followed, for the space that both go to. */
  #followAway(): void {
    const card =
      this.following.value === null ? undefined : this.crowd.cards.get(this.following.value);
    followedAway = card && {
      user: card.user,
      name: card.name,
      until: performance.now() + ARRIVES_WITHIN,
    };
  }

  /** Goes on following someone who came here through the same portal. */
  #followAgain(): void {
    if (!followedAway) return;
    const { user, name, until } = followedAway;
    const there = [...this.crowd.cards.values()].find((card) => card.user === user);
    if (there && this.prediction) {
      followedAway = undefined;
      this.follow(there.player);
    } else if (performance.now() > until) {
      followedAway = undefined;
      this.notice.value = `${name} did not arrive here.`;
    }
  }

  #nameOf(player: number): string {
    return this.crowd.cards.get(player)?.name ?? "A person";
  }

  /**
   * Takes the server's state, and makes up for the inputs that it does not know. The server counts
   * inputs from the start again.
   */
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
    const isUnheard =
      asked !== undefined && asked.seq > (this.#own?.ack ?? 0) && now - asked.at < WALK_AGAIN;
    if (isUnheard && before?.walking) this.walkTo(asked.x, asked.y);
    this.#own = undefined;
  }

  /**
   * The space restarted: it may have lost the last steps and messages, and its ticks start again.
   */
  #liveOn(epoch: number, own: Own, now: number): void {
    this.#epoch = epoch;
    this.#clock = new Clock(this.#tickMillis);
    this.conversation.doubt();
    // The restarted space knows no followers.
    this.followers.value = [];
    if (this.following.value !== null)
      this.#connection.send({ type: "Follow", player: this.following.value });
    const prediction = this.prediction;
    if (!prediction) return;
    if (own.ack >= (this.#own?.ack ?? 0)) {
      // Nothing that was answered is forgotten; what was on its way may be. The server takes each
      // number once.
      for (const input of prediction.since(own.ack))
        this.#connection.send({ type: "Input", ...input });
      return;
    }
    const forgotten = this.#recent.since(own.state, prediction.body, now).map(({ input }) => input);
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
    for (const input of this.#owed.splice(0, count))
      this.#connection.send({ type: "Input", ...input });
  }

  /** Called a few times a second, for what depends on time alone. */
  #poll(): void {
    this.#followAgain();
    this.#followOn();
    this.conversation.poll();
    const { pending = 0, walking = false } = this.prediction ?? {};
    const isLong = this.#silence.isLong(
      performance.now(),
      pending > 0 || walking || this.conversation.isWaiting,
    );
    this.isMoving.value = isLong && this.status.value.kind === "open";
  }

  /** Walks on when the followed player did. */
  #followOn(): void {
    const player = this.following.value;
    if (player === null) return;
    if (!this.crowd.cards.has(player)) {
      this.#goAfter(null);
      this.notice.value = "The person you followed is no longer here.";
    } else if (!this.prediction?.walking && this.distanceTo(player) > FOLLOW_FROM)
      this.walkToPlayer(player);
  }

  #takeMap(map: SpaceMap): void {
    if (this.map && map.version < this.map.version) return;
    this.map = map;
    const grid = gridOf(map);
    if (this.prediction) this.prediction.grid = grid;
    this.#updateDoors();
    if (gridHash(grid) !== this.#gridHash) console.info("the map changed since it was announced");
    batch(() => {
      this.failure.value = null;
      this.mapVersion.value++;
    });
  }

  #remove(id: string, version: number): void {
    const map = this.map;
    if (map && version <= map.version) return;
    const placement = map?.elements.find((placement) => placement.id === id);
    // On another version than the one before, something else changed too.
    if (!map || !placement || version !== map.version + 1) {
      this.#maps.hearOf(version);
      return;
    }
    map.version = version;
    map.elements = map.elements.filter((other) => other !== placement);
    if (this.prediction) block(this.prediction.grid, placement, -1);
    this.mapVersion.value++;
  }

  /** A deleted message disappears from over the head, too. */
  #takeBack(id: string): void {
    for (const [player, speech] of this.speeches)
      if (speech.message === id) this.speeches.delete(player);
  }

  #hear(message: ChatMessage): void {
    if (message.player !== null) {
      this.speeches.set(message.player, {
        message: message.id,
        text: plain(message.text),
        until: performance.now() + SPEECH_MILLIS,
      });
    }
    if (message.player === this.me) return;
    this.onSound("chat");
    this.onMessage(message);
  }

  #listPeople(): void {
    const people = [...this.crowd.cards.values()];
    const isMe = ({ player }: Card) => Number(player === this.me);
    people.sort((a, b) => isMe(b) - isMe(a) || a.name.localeCompare(b.name));
    this.people.value = people;
    if (this.askers.value.some(({ player }) => !this.crowd.cards.has(player)))
      this.askers.value = this.askers.value.filter(({ player }) => this.crowd.cards.has(player));
    if (this.leaders.value.some(({ player }) => !this.crowd.cards.has(player)))
      this.leaders.value = this.leaders.value.filter(({ player }) => this.crowd.cards.has(player));
  }
}

function openGrid(width: number, height: number): Grid {
  return { width, height, blockers: new Uint16Array(width * height) };
}
