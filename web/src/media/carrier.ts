/**
 * Carrier: what carries calls of more people than can talk directly: the server's forwarding unit
 * (`forward.ts`) or a LiveKit server (`livekit.ts`). The call treats both alike; whom one hears and
 * sees is the space's word in either case.
 */

import type { Peer } from "../net/codec";
import { KINDS, type Kind, type Sources } from "./mesh";

/**
 * How long a carrier goes on after nobody near talks through it, in milliseconds: people come and
 * go at the limit.
 */
export const LINGER = 10_000;

/**
 * What comes of somebody, by kind; somebody who is reached this way and sends nothing has nothing.
 */
export type Tracks = ReadonlyMap<number, ReadonlyMap<Kind, MediaStreamTrack>>;

export interface CarrierListener {
  /** Others come differently from now on. */
  changed(): void;
}

export interface Carrier {
  /** Whose tracks come this way. */
  readonly tracks: Tracks;
  /** How the connection is, in the words of `RTCPeerConnection`. */
  readonly state: string;
  /** Whether something of somebody's arrives this way already. */
  flows(player: number, kind: Kind): boolean;
  /** Everybody the server connected us to, and who we are. */
  connect(peers: Iterable<Peer>, me: number): void;
  /** What goes up changed, or what others send, or who they are. */
  resend(): void;
  /** How high pictures are shown, in pixels, by player; 0 for those that are not. */
  show(heights: ReadonlyMap<number, number>): void;
  /** What was counted, as the browser reports it; nothing without a connection. */
  stats(): Promise<RTCStats[]>;
  close(): void;
}

/** What goes to or comes from somebody between whom and us there is sound, pictures, or both. */
export function kindsFor(isSound: boolean, isPicture: boolean): Kind[] {
  const goes = {
    microphone: isSound,
    camera: isPicture,
    screen: isPicture,
    screenSound: isSound && isPicture,
  };
  return KINDS.filter((kind) => goes[kind]);
}

/** What has to go up: what somebody may have. */
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

/** Since when each track is whose it is now: what came of whoever had it before does not count. */
export class Arrivals {
  readonly #since = new WeakMap<MediaStreamTrack, { whose: string; at: number }>();

  /** A track is this of somebody's. */
  note(track: MediaStreamTrack, player: number, kind: Kind): void {
    const whose = `${player} ${kind}`;
    // The time as packets are stamped with it.
    const at = performance.timeOrigin + performance.now();
    if (this.#since.get(track)?.whose !== whose) this.#since.set(track, { whose, at });
  }

  /** Whether something arrived since the track is the one it is now. */
  has(track: MediaStreamTrack, receiver: RTCRtpReceiver | undefined): boolean {
    const since = this.#since.get(track)?.at ?? Number.POSITIVE_INFINITY;
    return (
      receiver?.getSynchronizationSources().some(({ timestamp }) => timestamp > since) ?? false
    );
  }
}
