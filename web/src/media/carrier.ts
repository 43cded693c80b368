/**
 * Carrier: what carries calls that are too large for direct connections: the server's SFU
 * (`sfu.ts`) or a LiveKit server (`livekit.ts`). The call treats both alike. The space decides in
 * either case which players hear and see each other.
 */

import type { Peer } from "../net/codec.gen";
import { KINDS, type Kind, type Sources } from "./mesh";

/**
 * Milliseconds that a carrier stays connected after the last peer left it: people often come and go
 * at the limit.
 */
export const LINGER = 10_000;

/**
 * Tracks by player and kind. A player who is reached this way and sends nothing has an empty map.
 */
export type Tracks = ReadonlyMap<number, ReadonlyMap<Kind, MediaStreamTrack>>;

export interface CarrierListener {
  /** Called when other tracks arrive, or arrive differently. */
  changed(): void;
}

export interface Carrier {
  /** The tracks that arrive this way. */
  readonly tracks: Tracks;
  /** The state of the connection, as `RTCPeerConnection` names it. */
  readonly state: string;
  /** Whether data of this track of the player arrives this way already. */
  flows(player: number, kind: Kind): boolean;
  /** Takes all peers of this player, and the own player number. */
  connect(peers: Iterable<Peer>, me: number): void;
  /** Called when the own tracks, the tracks of others or their cards changed. */
  resend(): void;
  /** Takes how high videos are shown, in pixels, by player; 0 for hidden ones. */
  show(heights: ReadonlyMap<number, number>): void;
  /** Statistics, as the browser reports them; empty without a connection. */
  stats(): Promise<RTCStats[]>;
  close(): void;
}

/** The kinds of tracks that go between two players with audio, video or both. */
export function kindsFor(isSound: boolean, isPicture: boolean): Kind[] {
  const goes = {
    microphone: isSound,
    camera: isPicture,
    screen: isPicture,
    screenSound: isSound && isPicture,
  };
  return KINDS.filter((kind) => goes[kind]);
}

/** The tracks to send: those that at least one peer may have. */
export function wanted(sources: Sources, peers: readonly Peer[]): Sources {
  const kinds = kindsFor(
    peers.some(({ heard }) => heard),
    peers.some(({ seen }) => seen),
  );
  const pick = (kind: Kind) => (kinds.includes(kind) ? sources[kind] : null);
  return {
    microphone: pick("microphone"),
    camera: pick("camera"),
    screen: pick("screen"),
    screenSound: pick("screenSound"),
  };
}

/** Remembers since when each track belongs to its player, so that earlier data does not count. */
export class Arrivals {
  readonly #since = new WeakMap<MediaStreamTrack, { whose: string; at: number }>();

  /** The track carries this kind of this player from now on. */
  note(track: MediaStreamTrack, player: number, kind: Kind): void {
    const whose = `${player} ${kind}`;
    // Packets are stamped with the same clock.
    const at = performance.timeOrigin + performance.now();
    if (this.#since.get(track)?.whose !== whose) this.#since.set(track, { whose, at });
  }

  /** Whether data arrived since the track belongs to its player. */
  has(track: MediaStreamTrack, receiver: RTCRtpReceiver | undefined): boolean {
    const since = this.#since.get(track)?.at ?? Number.POSITIVE_INFINITY;
    return (
      receiver?.getSynchronizationSources().some(({ timestamp }) => timestamp > since) ?? false
    );
  }
}
