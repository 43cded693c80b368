/**
 * LiveKit: calls that are too large for direct connections, over a LiveKit server where one is set
 * up. Its rooms know nothing of positions, so both ends follow the space: each one permits its
 * tracks exactly to those who hear and see it, before there is any track, and subscribes only to
 * those it hears and sees. Participants are named by user id.
 */

import type { Track, TrackPublishOptions } from "livekit-client";
import type { Peer } from "../net/codec.gen";
import {
  Arrivals,
  type Carrier,
  type CarrierListener,
  kindsFor,
  LINGER,
  type Tracks,
  wanted,
} from "./carrier";
import { KINDS, type Kind, type Sources } from "./mesh";

/** Milliseconds before the second try; doubled after each failure, up to the maximum. */
const AGAIN_AFTER = 1000;
const AGAIN_AT_MOST = 30_000;
/**
 * The height in pixels from which a video is fetched in its fine layer, and the height that is
 * assumed while it is unknown.
 */
const FINE_FROM = 217;
const USUAL_HEIGHT = 180;
/** Quality levels, as the library numbers them. */
const QUALITY = { low: 0, high: 2 } as const;
/** The library's names of our kinds. */
const SOURCES = {
  microphone: "microphone",
  camera: "camera",
  screen: "screen_share",
  screenSound: "screen_share_audio",
} as const satisfies Record<Kind, `${Track.Source}`>;
/** Events of the room that change what is heard and seen. */
const EVENTS = [
  "participantConnected",
  "participantDisconnected",
  "trackPublished",
  "trackUnpublished",
  "trackSubscribed",
  "trackUnsubscribed",
  "localTrackPublished",
  "reconnected",
] as const;

/** The tracks that one participant may subscribe to. */
export interface TrackPermission {
  participantIdentity: string;
  allowedTrackSids: string[];
}

/** The part of the library's room that is used. */
export interface LiveKitRoom {
  readonly state: string;
  readonly localParticipant: {
    readonly trackPublications: ReadonlyMap<string, Publication>;
    publishTrack(
      track: MediaStreamTrack,
      options: Pick<TrackPublishOptions, "source" | "simulcast">,
    ): Promise<unknown>;
    unpublishTrack(track: MediaStreamTrack, stops?: boolean): Promise<unknown>;
    setTrackSubscriptionPermissions(isForAll: boolean, permissions?: TrackPermission[]): void;
  };
  readonly remoteParticipants: ReadonlyMap<
    string,
    { readonly trackPublications: ReadonlyMap<string, RemoteTrack> }
  >;
  on(event: (typeof EVENTS)[number] | "disconnected", listener: () => void): unknown;
  connect(url: string, token: string, options: { autoSubscribe?: boolean }): Promise<void>;
  disconnect(stopsTracks?: boolean): Promise<void>;
}

interface Counted {
  getRTCStatsReport(): Promise<RTCStatsReport | undefined>;
}

/** A track that we publish in the room. */
interface Publication {
  readonly source: string;
  readonly trackSid: string;
  readonly track?: Counted | undefined;
}

/** A track that another participant publishes in the room. */
export interface RemoteTrack {
  readonly source: string;
  readonly isDesired: boolean;
  readonly track?:
    | (Counted & { mediaStreamTrack: MediaStreamTrack; receiver?: RTCRtpReceiver | undefined })
    | undefined;
  setSubscribed(isSubscribed: boolean): void;
  setEnabled(isEnabled: boolean): void;
  setVideoQuality(quality: number): void;
}

/** What the carrier needs from outside. */
export interface Access {
  /** Address and token of the space's room, for this person. */
  enter(): Promise<{ url: string; token: string }>;
  room(): Promise<LiveKitRoom>;
  userOf(player: number): string | undefined;
}

export interface LiveKitListener extends CarrierListener {
  /** The server cannot be reached; called once until it can. */
  failed(): void;
}

/**
 * A room of the library. The library is large and rarely needed, so it is fetched with the first
 * large call.
 */
export async function makeRoom(): Promise<LiveKitRoom> {
  const { Room, VideoPreset } = await import("livekit-client");
  return new Room({
    // The call itself switches devices on and off.
    stopLocalTrackOnUnpublish: false,
    publishDefaults: {
      videoCodec: "vp8",
      videoEncoding: { maxBitrate: 700_000, maxFramerate: 30 },
      videoSimulcastLayers: [new VideoPreset(320, 180, 150_000, 30)],
      screenShareEncoding: { maxBitrate: 1_500_000, maxFramerate: 30 },
    },
  });
}

/**
 * The permissions for our tracks: exactly those who hear and see us. A player without a known user
 * has to wait.
 */
export function permissionsFor(
  peers: readonly Peer[],
  userOf: Access["userOf"],
  sids: ReadonlyMap<Kind, string>,
): TrackPermission[] {
  return peers.flatMap(({ player, heard, seen }) => {
    const participantIdentity = userOf(player);
    const allowedTrackSids = kindsFor(heard, seen).flatMap((kind) => sids.get(kind) ?? []);
    return participantIdentity && allowedTrackSids.length > 0
      ? [{ participantIdentity, allowedTrackSids }]
      : [];
  });
}

/** The tracks to subscribe to, by user. */
export function subscriptionsFor(
  peers: readonly Peer[],
  userOf: Access["userOf"],
): ReadonlyMap<string, { player: number; kinds: readonly Kind[] }> {
  return new Map(
    peers.flatMap(({ player, hear, see }) => {
      const user = userOf(player);
      return user ? [[user, { player, kinds: kindsFor(hear, see) }] as const] : [];
    }),
  );
}

/** Milliseconds before the next try after this many failures. */
export function againAfter(failures: number): number {
  return Math.min(AGAIN_AFTER * 2 ** (failures - 1), AGAIN_AT_MOST);
}

const idsOf = (tracks: Tracks) =>
  JSON.stringify(
    [...tracks].map(([player, of]) => [player, [...of].map(([kind, { id }]) => [kind, id])]),
  );
const kindOf = (source: string) => KINDS.find((kind) => SOURCES[kind] === source);

/** One connection to a room. */
class Stay {
  tracks: Tracks = new Map();
  /**
   * Copies of the tracks that are sent: the library mutes what it holds, and others hold the same
   * track.
   */
  readonly #sent = new Map<Kind, { track: MediaStreamTrack; copy: MediaStreamTrack }>();
  readonly #arrivals = new Arrivals();
  /** Tracks whose size was already told to the server. */
  readonly #fitted = new WeakSet<object>();
  #permitted = "[]";
  #wanted: Sources = { microphone: null, camera: null, screen: null, screenSound: null };
  #isSending = false;
  #sendsAgain = false;

  constructor(
    readonly room: LiveKitRoom,
    private readonly userOf: Access["userOf"],
  ) {}

  /** Permits and subscribes to tracks; returns whether other tracks arrive now. */
  follow(peers: readonly Peer[], heights: ReadonlyMap<number, number>): boolean {
    this.#permit(peers);
    const before = idsOf(this.tracks);
    this.#subscribe(peers, heights);
    return idsOf(this.tracks) !== before;
  }

  /** Publishes these sources in its own time; `peers` returns who is near by then. */
  send(sources: Sources, peers: () => readonly Peer[]): void {
    this.#wanted = sources;
    for (const [kind, { track, copy }] of this.#sent) {
      // A device is freed and a voice is silent at once, without waiting for the room.
      if (track.readyState === "ended") copy.stop();
      else copy.enabled = track === sources[kind];
    }
    void this.#send(peers);
  }

  flows(player: number, kind: Kind): boolean {
    const track = this.tracks.get(player)?.get(kind);
    const offered =
      track && this.#remoteTracks().find((one) => one.track?.mediaStreamTrack === track);
    return track !== undefined && this.#arrivals.has(track, offered?.track?.receiver);
  }

  async stats(): Promise<RTCStats[]> {
    const all = [...this.room.localParticipant.trackPublications.values(), ...this.#remoteTracks()];
    const reports = await Promise.all(all.map(({ track }) => track?.getRTCStatsReport()));
    return reports.flatMap((report) => [...(report?.values() ?? [])]);
  }

  end(): void {
    for (const { copy } of this.#sent.values()) copy.stop();
    this.#sent.clear();
    this.room.disconnect().catch(() => {});
  }

  #remoteTracks(): RemoteTrack[] {
    return [...this.room.remoteParticipants.values()].flatMap(({ trackPublications }) => [
      ...trackPublications.values(),
    ]);
  }

  #permit(peers: readonly Peer[]): void {
    const sids = new Map<Kind, string>();
    for (const { source, trackSid } of this.room.localParticipant.trackPublications.values()) {
      const kind = kindOf(source);
      if (kind) sids.set(kind, trackSid);
    }
    const permissions = permissionsFor(peers, this.userOf, sids);
    const permitted = JSON.stringify(permissions);
    if (permitted === this.#permitted) return;
    this.#permitted = permitted;
    this.room.localParticipant.setTrackSubscriptionPermissions(false, permissions);
  }

  #subscribe(peers: readonly Peer[], heights: ReadonlyMap<number, number>): void {
    const subscriptions = subscriptionsFor(peers, this.userOf);
    const tracks = new Map<number, Map<Kind, MediaStreamTrack>>();
    for (const [user, { trackPublications }] of this.room.remoteParticipants) {
      const subscription = subscriptions.get(user);
      const come = new Map<Kind, MediaStreamTrack>();
      if (subscription) tracks.set(subscription.player, come);
      for (const offered of trackPublications.values()) {
        const kind = kindOf(offered.source);
        const isWanted = kind !== undefined && subscription?.kinds.includes(kind) === true;
        if (offered.isDesired !== isWanted) offered.setSubscribed(isWanted);
        if (!isWanted || !offered.track) continue;
        const { mediaStreamTrack } = offered.track;
        come.set(kind, mediaStreamTrack);
        this.#arrivals.note(mediaStreamTrack, subscription.player, kind);
        if (kind === "camera")
          this.#fit(offered, offered.track, heights.get(subscription.player) ?? USUAL_HEIGHT);
      }
    }
    this.tracks = tracks;
  }

  #fit(offered: RemoteTrack, track: object, height: number): void {
    if (!this.#fitted.has(track)) {
      // Each subscription begins with everything on, independent of the one before.
      offered.setEnabled(true);
      offered.setVideoQuality(QUALITY.high);
      this.#fitted.add(track);
    }
    offered.setEnabled(height > 0);
    offered.setVideoQuality(height < FINE_FROM ? QUALITY.low : QUALITY.high);
  }

  async #send(peers: () => readonly Peer[]): Promise<void> {
    // One run at a time, and one more for what changed during it.
    this.#sendsAgain = this.#isSending;
    if (this.#isSending) return;
    this.#isSending = true;
    try {
      do {
        this.#sendsAgain = false;
        for (const kind of KINDS) {
          await this.#put(kind, this.#wanted[kind]);
          this.#permit(peers());
        }
      } while (this.#sendsAgain);
    } catch (error) {
      // The next change tries again; the end of a room is reported elsewhere.
      console.warn(error);
    } finally {
      this.#isSending = false;
    }
  }

  async #put(kind: Kind, track: MediaStreamTrack | null): Promise<void> {
    const { localParticipant } = this.room;
    const sent = this.#sent.get(kind);
    // A voice that is silent for a moment stays, so that its first word is heard.
    const isPaused = kind === "microphone" && track === null && sent?.track.readyState === "live";
    if (sent && sent.track !== track && !isPaused) {
      this.#sent.delete(kind);
      sent.copy.stop();
      await localParticipant.unpublishTrack(sent.copy, false);
    }
    if (!track || this.#sent.has(kind)) return;
    const copy = track.clone();
    this.#sent.set(kind, { track, copy });
    try {
      await localParticipant.publishTrack(copy, {
        source: SOURCES[kind] as Track.Source,
        simulcast: kind === "camera",
      });
      // The library switches on the track that it is given.
      copy.enabled = this.#wanted[kind] === track;
    } catch (error) {
      this.#sent.delete(kind);
      copy.stop();
      throw error;
    }
  }
}

export class LiveKit implements Carrier {
  #stay: Stay | undefined;
  /** The attempt to connect that counts. */
  #attempt: object | undefined;
  #isWanted = false;
  #peers: readonly Peer[] = [];
  #heights: ReadonlyMap<number, number> = new Map();
  #failures = 0;
  #cameAt = 0;
  #ending: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly sources: () => Sources,
    private readonly access: Access,
    private readonly listener: LiveKitListener,
  ) {}

  get tracks(): Tracks {
    return this.#stay?.tracks ?? new Map();
  }

  get state(): string {
    return this.#stay?.room.state ?? "new";
  }

  flows(player: number, kind: Kind): boolean {
    return this.#stay?.flows(player, kind) ?? false;
  }

  connect(peers: Iterable<Peer>): void {
    this.#peers = [...peers];
    const isWanted = this.#peers.some(({ route }) => route === 1);
    if (isWanted) {
      clearTimeout(this.#ending);
      this.#ending = undefined;
    } else if (this.#isWanted) {
      this.#ending = setTimeout(() => this.close(), LINGER);
    }
    this.#isWanted = isWanted;
    if (isWanted && !this.#attempt && this.#retry === undefined) void this.#open();
    this.#follow();
  }

  resend(): void {
    this.#follow();
  }

  show(heights: ReadonlyMap<number, number>): void {
    this.#heights = heights;
    this.#follow();
  }

  async stats(): Promise<RTCStats[]> {
    return (await this.#stay?.stats()) ?? [];
  }

  close(): void {
    clearTimeout(this.#ending);
    clearTimeout(this.#retry);
    this.#ending = undefined;
    this.#retry = undefined;
    this.#isWanted = false;
    this.#failures = 0;
    this.#leave();
  }

  async #open(): Promise<void> {
    const attempt = {};
    this.#attempt = attempt;
    let room: LiveKitRoom | undefined;
    try {
      const { url, token } = await this.access.enter();
      room = await this.access.room();
      if (this.#attempt !== attempt) return;
      // The library repeats this each time it connects, also when it needs two tries.
      room.localParticipant.setTrackSubscriptionPermissions(false, []);
      for (const event of EVENTS) room.on(event, () => this.#follow());
      room.on("disconnected", () => {
        if (this.#attempt === attempt && this.#stay) this.#failed();
      });
      await room.connect(url, token, { autoSubscribe: false });
      if (this.#attempt !== attempt) return void room.disconnect().catch(() => {});
    } catch (error) {
      console.warn(error);
      if (this.#attempt === attempt) this.#failed();
      return;
    }
    this.#stay = new Stay(room, this.access.userOf);
    this.#cameAt = performance.now();
    this.#follow();
    this.listener.changed();
  }

  #follow(): void {
    const stay = this.#stay;
    if (!stay) return;
    const isChanged = stay.follow(this.#peers, this.#heights);
    stay.send(wanted(this.sources(), this.#peers), () => this.#peers);
    if (isChanged) this.listener.changed();
  }

  #failed(): void {
    // A connection that lasted counts as no failure.
    if (this.#stay && performance.now() - this.#cameAt > AGAIN_AT_MOST) this.#failures = 0;
    this.#leave();
    this.#failures += 1;
    if (this.#failures === 1) this.listener.failed();
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#isWanted) void this.#open();
    }, againAfter(this.#failures));
  }

  #leave(): void {
    const stay = this.#stay;
    this.#attempt = undefined;
    this.#stay = undefined;
    stay?.end();
    this.listener.changed();
  }
}
