/**
 * Call: audio and video with the people nearby: which devices are on, who is heard and seen, and
 * how loud. The server decides which players are connected; this class follows it. Signals update
 * the screens.
 */

import { batch, type Signal, signal } from "@preact/signals";
import { api } from "../net/api";
import type { Peer } from "../net/codec.gen";
import type { Space } from "../net/space";
import type { Carrier, Tracks } from "./carrier";
import { DeviceError, openCamera, openMicrophone, openScreen, watchDevices } from "./devices";
import { volumeOf } from "./gain";
import { Graph } from "./graph";
import { KINDS, type Kind, MEDIA, Mesh, type Sources } from "./mesh";
import { Sfu } from "./sfu";

/** Milliseconds between two updates of volumes and of who is speaking. */
const FOLLOW_EVERY = 100;
const TALK_KEY = "plaza.push-to-talk";
const VOLUMES_KEY = "plaza.volumes";

/** A video to show. */
export interface Tile {
  player: number;
  name: string;
  kind: "camera" | "screen";
  track: MediaStreamTrack;
  isMe: boolean;
}

/** What the screens switch. */
export type Switch = "microphone" | "camera" | "screen";

export class Call {
  readonly isOn: Record<Switch, Signal<boolean>> = {
    microphone: signal(false),
    camera: signal(false),
    screen: signal(false),
  };
  /** Why something could not be switched on. */
  readonly failure: Signal<string | null> = signal(null);
  readonly tiles: Signal<Tile[]> = signal([]);
  /** Players who are speaking now. */
  readonly speaking: Signal<ReadonlySet<number>> = signal(new Set());
  /** The microphone is on, and sends only while a key is held. */
  readonly isPushToTalk = signal(localStorage.getItem(TALK_KEY) === "on");
  readonly isTalking = signal(false);
  /** The browser plays no sound before the first user gesture. */
  readonly isAsleep = signal(false);
  readonly graph = new Graph();
  readonly #mesh: Mesh;
  /**
   * Carries calls that are too large for direct connections; set once the server has said which
   * one.
   */
  #carrier: Carrier | undefined;
  /** Tracks that arrive over direct connections. */
  readonly #direct = new Map<number, Map<Kind, MediaStreamTrack>>();
  /** Tracks that are heard and shown, over either path. */
  readonly #tracks = new Map<number, Map<Kind, MediaStreamTrack>>();
  readonly #states = new Map<number, RTCPeerConnectionState>();
  readonly #sources: Sources = { microphone: null, camera: null, screen: null, screenSound: null };
  readonly #why = new Map<number, number>();
  readonly #following = setInterval(() => {
    // No event is fired when the first packet of a track arrives.
    const isChangingOver = [...this.#direct.keys()].some((player) =>
      this.#carrier?.tracks.has(player),
    );
    if (isChangingOver) this.#retuneAll();
    else this.#follow();
  }, FOLLOW_EVERY);
  readonly #unwatch = watchDevices();
  readonly #unsubscribe: (() => void)[] = [];
  #opening: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(private readonly space: Space) {
    this.#mesh = new Mesh(() => this.#sent(), {
      track: (player, kind, track) => this.#arrived(player, kind, track),
      gone: (player) => this.#gone(player),
      state: (player, state) => this.#states.set(player, state),
      say: (player, body) => space.calls.signal(player, body),
    });
    space.calls.onSignal = (player, body) => this.#mesh.hear(player, body);
    // Without ICE servers, browsers on one network still find each other.
    const ice = api.ice().catch(() => ({ configuration: {}, forwarder: "unit" }));
    void ice.then(async ({ configuration, forwarder }) => {
      if (this.#isClosed) return;
      this.#mesh.use(configuration);
      if (forwarder !== "livekit") this.#carrier = this.#useSfu(configuration);
      this.#unsubscribe.push(space.calls.peers.subscribe((peers) => this.#connect(peers)));
      if (forwarder === "livekit") await this.#useLiveKit();
    });
    this.#unsubscribe.push(
      space.people.all.subscribe(() => {
        this.#carrier?.resend();
        this.#showTiles();
      }),
    );
    for (const event of ["pointerdown", "keydown"] as const) addEventListener(event, this.#wake);
  }

  #useSfu(configuration: RTCConfiguration): Carrier {
    const { space } = this;
    const sfu = new Sfu(
      configuration,
      () => this.#sent(),
      (player) => this.#picturesOf(player),
      { say: (body) => space.calls.sendToSfu(body), changed: () => this.#retuneAll() },
    );
    space.calls.onSfu = (body) => sfu.hear(body);
    this.#unsubscribe.push(
      space.status.subscribe(({ kind }) => {
        if (kind === "open") sfu.back();
      }),
    );
    return sfu;
  }

  /** Few servers have LiveKit, so its code is not part of the first page. */
  async #useLiveKit(): Promise<void> {
    const { space } = this;
    const { LiveKit, makeRoom } = await import("./livekit");
    if (this.#isClosed) return;
    const access = {
      enter: () => api.liveKit(space.id),
      room: makeRoom,
      userOf: (player: number) => space.people.card(player)?.user,
    };
    const room = new LiveKit(() => this.#sent(), access, {
      changed: () => this.#retuneAll(),
      failed: () => {
        space.notice.value =
          "The server for calls of more than four cannot be reached. You go on with " +
          "those you reached before; it is tried again.";
      },
    });
    this.#unsubscribe.push(
      space.status.subscribe(({ kind }) => {
        // The same user in another window must not be thrown out of the room by this one.
        if (kind === "ended") room.close();
      }),
    );
    this.#carrier = room;
    this.#connect(space.calls.peers.peek());
  }

  /** Switches something on or off. What went wrong is in `failure`. */
  toggle(which: Switch): Promise<void> {
    // Toggles run one after the other, so that a device is asked for once.
    this.#opening = this.#opening.then(() => this.#toggle(which));
    return this.#opening;
  }

  /** Moves what is on to the device that was just chosen. */
  async change(which: "microphone" | "camera"): Promise<void> {
    if (!this.isOn[which].value) return;
    await this.toggle(which);
    await this.toggle(which);
  }

  setPushToTalk(isPushToTalk: boolean): void {
    localStorage.setItem(TALK_KEY, isPushToTalk ? "on" : "off");
    this.isPushToTalk.value = isPushToTalk;
    this.#resend();
  }

  /** The push-to-talk key was pressed or released. */
  talk(isTalking: boolean): void {
    if (this.isTalking.value === isTalking) return;
    this.isTalking.value = isTalking;
    if (this.isPushToTalk.value) this.#resend();
  }

  /** This person's own volume for a user, 0 to 2; remembered. */
  personalVolume(user: string): number {
    return personalVolumes()[user] ?? 1;
  }

  setPersonalVolume(player: number, user: string, volume: number): void {
    localStorage.setItem(VOLUMES_KEY, JSON.stringify({ ...personalVolumes(), [user]: volume }));
    this.graph.setPersonalVolume(player, volume);
  }

  /** Figures for debugging and tests: state, volume and level of every connection. */
  figures(): {
    player: number;
    state: string;
    isForwarded: boolean;
    gain: number;
    level: number;
    kinds: Kind[];
  }[] {
    return [...this.space.calls.peers.value.keys()].map((player) => ({
      player,
      state: this.#stateOf(player),
      isForwarded: this.#isForwarded(player),
      gain: this.graph.gainOf(player),
      level: this.graph.levelOf(player),
      kinds: [...(this.#tracks.get(player)?.keys() ?? [])],
    }));
  }

  /** The statistics of each connection, as the browser reports them. */
  async connections(): Promise<RTCStats[][]> {
    const direct = this.#mesh
      .connections()
      .map(async (connection) => [...(await connection.getStats()).values()]);
    const all = await Promise.all([...direct, this.#carrier?.stats() ?? []]);
    return all.filter((stats) => stats.length > 0);
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#following);
    this.#unwatch();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    for (const event of ["pointerdown", "keydown"] as const) removeEventListener(event, this.#wake);
    this.space.calls.onSignal = () => {};
    this.space.calls.onSfu = () => {};
    this.#mesh.close();
    this.#carrier?.close();
    for (const kind of KINDS) this.#drop(kind);
    this.graph.close();
  }

  readonly #wake = () => this.graph.wake();

  async #toggle(which: Switch): Promise<void> {
    this.failure.value = null;
    this.graph.wake();
    try {
      if (this.isOn[which].value) this.#switchOff(which);
      else await this.#switchOn(which);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.failure.value = error.message;
    }
    this.#resend();
    this.#showTiles();
  }

  async #switchOn(which: Switch): Promise<void> {
    if (which === "screen") {
      const stream = await openScreen();
      this.#keep("screen", stream.getVideoTracks()[0] ?? null, which);
      this.#keep("screenSound", stream.getAudioTracks()[0] ?? null, which);
    } else this.#keep(which, await (which === "camera" ? openCamera() : openMicrophone()), which);
    if (which === "microphone") this.graph.listen(this.#sources.microphone);
    this.isOn[which].value = true;
  }

  #switchOff(which: Switch): void {
    this.#drop(which);
    if (which === "screen") this.#drop("screenSound");
    if (which === "microphone") this.graph.listen(null);
    this.isOn[which].value = false;
  }

  /**
   * Keeps a track. When it ends by itself (unplugged, or stopped in the browser's own bar), the
   * switch goes back.
   */
  #keep(kind: Kind, track: MediaStreamTrack | null, which: Switch): void {
    this.#sources[kind] = track;
    if (!track) return;
    track.addEventListener("ended", () => {
      if (this.#sources[kind] !== track) return;
      this.#switchOff(which);
      this.#resend();
      this.#showTiles();
    });
  }

  #drop(kind: Kind): void {
    this.#sources[kind]?.stop();
    this.#sources[kind] = null;
  }

  /** The tracks that are sent now. */
  #sent(): Sources {
    const isSilent = this.isPushToTalk.value && !this.isTalking.value;
    return isSilent ? { ...this.#sources, microphone: null } : this.#sources;
  }

  #resend(): void {
    const { microphone, camera, screen } = this.#sent();
    this.space.own.media(microphone !== null, camera !== null, screen !== null);
    this.#mesh.resend();
    this.#carrier?.resend();
  }

  /** Tells the carrier how high videos are shown, in pixels, by player. */
  show(heights: ReadonlyMap<number, number>): void {
    this.#carrier?.show(heights);
  }

  #connect(peers: ReadonlyMap<number, Peer>): void {
    this.#mesh.connect(peers.values(), (player) => this.space.people.card(player)?.user);
    this.#carrier?.connect(peers.values(), this.space.people.me);
    for (const player of this.#why.keys()) if (!peers.has(player)) this.#why.delete(player);
    this.#retuneAll();
  }

  #arrived(player: number, kind: Kind, track: MediaStreamTrack): void {
    const tracks = this.#direct.get(player) ?? new Map<Kind, MediaStreamTrack>();
    this.#direct.set(player, tracks.set(kind, track));
    this.#retune(player);
    this.#follow();
    this.#showTiles();
  }

  #gone(player: number): void {
    this.#direct.delete(player);
    this.#states.delete(player);
    this.#retune(player);
    this.#showTiles();
  }

  #stateOf(player: number): string {
    if (this.#isForwarded(player)) return this.#carrier?.state ?? "new";
    return this.#states.get(player) ?? "new";
  }

  #isForwarded(player: number): boolean {
    const forwarded = this.#carrier?.tracks.get(player);
    return [...(this.#tracks.get(player) ?? [])].some(
      ([kind, track]) => forwarded?.get(kind) === track,
    );
  }

  #picturesOf(player: number): number {
    const media = this.space.people.card(player)?.media ?? 0;
    return (media & 2 ? 1 : 0) + (media & 4 ? 1 : 0);
  }

  /** Called when the path of some tracks changed. */
  #retuneAll(): void {
    const forwarded: Tracks = this.#carrier?.tracks ?? new Map();
    for (const player of new Set([...this.#tracks.keys(), ...forwarded.keys()]))
      this.#retune(player);
    for (const { player, hear, see } of this.space.calls.peers.value.values()) {
      const media = this.space.people.card(player)?.media ?? 0;
      const comes = (kind: Kind, isSent: boolean) =>
        !isSent || this.#carrier?.flows(player, kind) === true;
      const hasAll =
        comes("microphone", hear && (media & 1) !== 0) &&
        comes("camera", see && (media & 2) !== 0) &&
        comes("screen", see && (media & 4) !== 0);
      if (forwarded.has(player) && hasAll) this.#mesh.release(player);
    }
    this.#follow();
    this.#showTiles();
  }

  /**
   * Chooses for each kind of track the path on which it flows. The carrier's track is enough as
   * soon as it does.
   */
  #retune(player: number): void {
    const before = this.#tracks.get(player) ?? new Map<Kind, MediaStreamTrack>();
    const now = new Map<Kind, MediaStreamTrack>();
    for (const kind of KINDS) {
      const forwarded = this.#carrier?.tracks.get(player)?.get(kind);
      const direct = this.#direct.get(player)?.get(kind);
      const isEnough = direct === undefined || this.#carrier?.flows(player, kind) === true;
      const track = isEnough ? (forwarded ?? direct) : direct;
      if (track) now.set(kind, track);
      if (track === before.get(kind) || MEDIA[kind] !== "audio") continue;
      if (track) this.graph.add(player, kind, track);
      else this.graph.drop(player, kind);
      this.#why.delete(player);
    }
    if (now.size === 0) {
      this.graph.remove(player);
      this.#tracks.delete(player);
      this.#why.delete(player);
      return;
    }
    this.#tracks.set(player, now);
    const user = this.space.people.card(player)?.user;
    if (user && before.size === 0) this.graph.setPersonalVolume(player, this.personalVolume(user));
  }

  /** Sets the volumes by distance, and finds out who is speaking. */
  #follow(): void {
    const now = performance.now();
    const speaking = new Set<number>();
    for (const peer of this.space.calls.peers.value.values()) {
      const { player, why } = peer;
      const wasWhy = this.#why.get(player);
      this.graph.setVolume(
        player,
        volumeOf(peer, this.space.walking.distanceTo(player), this.space.calls.reachTo(player)),
        wasWhy !== why,
      );
      if (this.#tracks.has(player)) this.#why.set(player, why);
      if (peer.hear && this.graph.isSpeaking(player, now)) speaking.add(player);
    }
    if (this.#sent().microphone && this.graph.isOwnSpeaking(now))
      speaking.add(this.space.people.me);
    batch(() => {
      const before = this.speaking.value;
      const isSame =
        before.size === speaking.size && [...speaking].every((player) => before.has(player));
      if (!isSame) this.speaking.value = speaking;
      this.isAsleep.value = this.graph.isAsleep && this.space.calls.peers.value.size > 0;
    });
  }

  #showTiles(): void {
    const tiles: Tile[] = [];
    const add = (
      player: number,
      name: string,
      kind: Tile["kind"],
      track: MediaStreamTrack | null | undefined,
    ) => {
      if (track) tiles.push({ player, name, kind, track, isMe: player === this.space.people.me });
    };
    const { people } = this.space;
    // Screens come first: people look at them together.
    for (const kind of ["screen", "camera"] as const) {
      for (const peer of this.space.calls.peers.value.values()) {
        const card = people.card(peer.player);
        const sends = card && (card.media & (kind === "camera" ? 2 : 4)) !== 0;
        if (peer.see && sends)
          add(peer.player, card.name, kind, this.#tracks.get(peer.player)?.get(kind));
      }
      add(people.me, "You", kind, this.#sources[kind]);
    }
    this.tiles.value = tiles;
  }
}

function personalVolumes(): Record<string, number> {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(VOLUMES_KEY) ?? "{}");
    if (typeof stored !== "object" || stored === null) return {};
    return Object.fromEntries(
      Object.entries(stored).filter((entry): entry is [string, number] =>
        Number.isFinite(entry[1]),
      ),
    );
  } catch {
    return {};
  }
}
