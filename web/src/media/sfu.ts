/**
 * Sfu: the connection to the server's SFU, for calls that are too large for direct connections. One
 * stream of each kind is sent, however many players hear it; the streams of others arrive in slots
 * that the SFU assigns. Which stream is in which slot is the SFU's decision, which follows the
 * space's rules: the client only asks for the size of videos. `docs/forwarding.md` has the
 * messages.
 */

import type { Peer } from "../net/codec.gen";
import { uniqueName } from "../net/unique";
import {
  Arrivals,
  type Carrier,
  type CarrierListener,
  LINGER,
  type Tracks,
  wanted,
} from "./carrier";
import { KINDS, type Kind, MEDIA, type Sources } from "./mesh";

/** Milliseconds that an answer may take, and that a broken connection may take to recover. */
const ANSWER_TIMEOUT = 5000;
/**
 * Receiving transceivers are added in steps of this size, up to this maximum, as the space's rules
 * allow.
 */
const MORE = { audio: 4, video: 3 } as const;
const MOST = { audio: 20, video: 12 } as const;

/** A message of the SFU. */
export type SfuReply =
  | { answer: { session: string; packed: string } }
  | { slots: { session: string; slots: { mid: string; player: number; kind: Kind }[] } }
  | { refused: { session: string; reason: string } }
  | { again: object };

export interface SfuListener extends CarrierListener {
  say(body: string): void;
}

/** The message in a body; `undefined` when there is none. */
export function parseReply(body: string): SfuReply | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null) return undefined;
    const isSaid = ["answer", "slots", "refused", "again"].some((word) => word in value);
    // The server is trusted here: what it sends under a name has the shape of that name.
    return isSaid ? (value as SfuReply) : undefined;
  } catch {
    return undefined;
  }
}

/** The number of receiving transceivers for this many streams; never fewer than there are. */
export function transceiversFor(streams: number, kind: "audio" | "video", now: number): number {
  const more = MORE[kind];
  return Math.max(now, Math.min(MOST[kind], Math.ceil(streams / more) * more));
}

/** A session description as it is sent: compressed, because a message has at most 12 KiB. */
export async function pack(sdp: string): Promise<string> {
  const packed = new Blob([sdp]).stream().pipeThrough(new CompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** The session description of a compressed one. */
export async function unpack(packed: string): Promise<string> {
  const bytes = Uint8Array.from(atob(packed), (char) => char.charCodeAt(0));
  return new Response(
    new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate")),
  ).text();
}

/** One connection, from its first offer to its end. */
class Session {
  readonly id = uniqueName();
  readonly connection: RTCPeerConnection;
  /** The tracks that arrive, by player and kind. */
  tracks: Tracks = new Map();
  readonly #arrivals = new Arrivals();
  #offering = false;
  #offersAgain = false;
  #packed = "";
  #timeout: ReturnType<typeof setTimeout> | undefined;

  constructor(
    configuration: RTCConfiguration,
    private readonly listener: SfuListener,
    /** Called when the session is of no use any more. */
    private readonly failed: () => void,
  ) {
    // One transport for everything: otherwise each of dozens of streams would negotiate its own.
    this.connection = new RTCPeerConnection({ ...configuration, bundlePolicy: "max-bundle" });
    for (const kind of KINDS) {
      this.connection.addTransceiver(MEDIA[kind], {
        direction: "sendonly",
        sendEncodings: encodings(kind),
      });
    }
    this.connection.onconnectionstatechange = () => {
      const { connectionState } = this.connection;
      clearTimeout(this.#timeout);
      if (connectionState === "failed") failed();
      else if (connectionState === "disconnected")
        this.#timeout = setTimeout(failed, ANSWER_TIMEOUT);
      listener.changed();
    };
  }

  get isConnected(): boolean {
    return this.connection.connectionState === "connected";
  }

  /** Adds receiving transceivers for this many streams, and offers them to the SFU. */
  addTransceivers(audio: number, video: number): void {
    const places = this.connection.getTransceivers().slice(KINDS.length);
    const count = (kind: string) =>
      places.filter(({ receiver }) => receiver.track.kind === kind).length;
    let isMore = places.length === 0;
    for (const [kind, streams] of [["audio", audio] as const, ["video", video] as const]) {
      const now = count(kind);
      for (
        let place = now;
        place < Math.max(MORE[kind], transceiversFor(streams, kind, now));
        place++
      ) {
        this.connection.addTransceiver(kind, { direction: "recvonly" });
        isMore = true;
      }
    }
    if (isMore) void this.#offer();
  }

  /** Gives each sender its track. */
  async send(sources: Sources): Promise<void> {
    const senders = this.connection.getTransceivers().map(({ sender }) => sender);
    await Promise.all(
      KINDS.map(async (kind, index) => {
        const sender = senders[index];
        if (sender && sender.track !== sources[kind]) await sender.replaceTrack(sources[kind]);
      }),
    );
  }

  async answered(packed: string): Promise<void> {
    if (!this.#offering) return;
    clearTimeout(this.#timeout);
    const sdp = await unpack(packed);
    await this.connection.setRemoteDescription({ type: "answer", sdp });
    this.#offering = false;
    if (this.#offersAgain) await this.#offer();
    this.listener.changed();
  }

  assigned(slots: { mid: string; player: number; kind: Kind }[]): void {
    const places = new Map(
      this.connection.getTransceivers().map((place) => [place.mid, place.receiver.track]),
    );
    const tracks = new Map<number, Map<Kind, MediaStreamTrack>>();
    for (const { mid, player, kind } of slots) {
      const track = places.get(mid);
      if (!track) continue;
      tracks.set(player, (tracks.get(player) ?? new Map()).set(kind, track));
      this.#arrivals.note(track, player, kind);
    }
    this.tracks = tracks;
    this.listener.changed();
  }

  /** Whether data arrived since the track belongs to its player. */
  flows(track: MediaStreamTrack): boolean {
    const place = this.connection
      .getTransceivers()
      .find(({ receiver }) => receiver.track === track);
    return this.#arrivals.has(track, place?.receiver);
  }

  /** Sends the pending offer once more; `false` when there is none. */
  sayAgain(): boolean {
    if (!this.#offering || this.isConnected || this.#packed === "") return false;
    this.#say();
    return true;
  }

  close(): void {
    clearTimeout(this.#timeout);
    this.connection.onconnectionstatechange = null;
    this.connection.close();
  }

  async #offer(): Promise<void> {
    // One offer at a time: the next one holds everything that was added during this one.
    this.#offersAgain = this.#offering;
    if (this.#offering) return;
    this.#offering = true;
    try {
      preferCodecs(this.connection);
      await this.connection.setLocalDescription();
      this.#packed = await pack(this.connection.localDescription?.sdp ?? "");
    } catch (error) {
      // The session was closed during the offer; a new session makes its own.
      if (this.connection.signalingState === "closed") return;
      throw error;
    }
    if (this.connection.signalingState === "closed") return;
    this.#say();
    clearTimeout(this.#timeout);
    this.#timeout = setTimeout(this.failed, ANSWER_TIMEOUT);
  }

  #say(): void {
    this.listener.say(JSON.stringify({ offer: { session: this.id, packed: this.#packed } }));
  }
}

/** A camera is sent in two layers, so that small videos cost their viewers little. */
function encodings(kind: Kind): RTCRtpEncodingParameters[] {
  if (kind === "camera") {
    return [
      { rid: "l", scaleResolutionDownBy: 2, maxBitrate: 150_000 },
      { rid: "h", maxBitrate: 700_000 },
    ];
  }
  return kind === "screen" ? [{ maxBitrate: 1_500_000 }] : [];
}

/** Codecs that the SFU forwards and every browser has. */
const CODECS = { audio: ["audio/opus"], video: ["video/vp8", "video/rtx"] };

function preferCodecs(connection: RTCPeerConnection): void {
  for (const kind of ["audio", "video"] as const) {
    const all = RTCRtpReceiver.getCapabilities(kind)?.codecs ?? [];
    const some = all.filter(({ mimeType }) => CODECS[kind].includes(mimeType.toLowerCase()));
    const transceivers = connection
      .getTransceivers()
      .filter(({ receiver }) => receiver.track.kind === kind);
    for (const transceiver of transceivers) transceiver.setCodecPreferences?.(some);
  }
}

export class Sfu implements Carrier {
  #session: Session | undefined;
  #isWanted = false;
  #peers: Peer[] = [];
  /** The own player number for which the session was made. */
  #me = -1;
  #ending: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #shown = "";

  constructor(
    private readonly configuration: RTCConfiguration,
    private readonly sources: () => Sources,
    /** The number of videos that a player sends. */
    private readonly picturesOf: (player: number) => number,
    private readonly listener: SfuListener,
  ) {}

  /** The tracks that arrive through the SFU. */
  get tracks(): Tracks {
    return this.#session?.isConnected ? this.#session.tracks : new Map();
  }

  /** Whether data of this track of the player arrives this way already. */
  flows(player: number, kind: Kind): boolean {
    const track = this.tracks.get(player)?.get(kind);
    return track !== undefined && this.#session?.flows(track) === true;
  }

  get state(): string {
    return this.#session?.connection.connectionState ?? "new";
  }

  async stats(): Promise<RTCStats[]> {
    return [...((await this.#session?.connection.getStats())?.values() ?? [])];
  }

  connect(peers: Iterable<Peer>, me: number): void {
    this.#peers = [...peers];
    const isWanted = this.#peers.some(({ route }) => route === 1);
    if (this.#session && this.#me !== me) this.#close();
    this.#me = me;
    if (isWanted) {
      clearTimeout(this.#ending);
      this.#ending = undefined;
    } else if (this.#isWanted) {
      this.#ending = setTimeout(() => this.#close(), LINGER);
    }
    this.#isWanted = isWanted;
    if (isWanted && !this.#session && this.#retry === undefined) this.#open();
    this.resend();
    this.#addTransceivers();
  }

  resend(): void {
    void this.#session?.send(wanted(this.sources(), this.#peers));
    this.#addTransceivers();
  }

  show(heights: ReadonlyMap<number, number>): void {
    const shown = JSON.stringify({ show: Object.fromEntries(heights) });
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#greet();
  }

  /** The connection to the server is open again: messages that were lost are sent once more. */
  back(): void {
    this.#greet();
  }

  hear(body: string): void {
    const said = parseReply(body);
    if (!said) return;
    const session = this.#session;
    if ("again" in said) {
      if (session?.sayAgain() || !this.#isWanted) return;
      this.#close();
      this.#open();
    } else if ("answer" in said && said.answer.session === session?.id) {
      session.answered(said.answer.packed).then(() => this.#greet(), this.#failed);
    } else if ("slots" in said && said.slots.session === session?.id)
      session.assigned(said.slots.slots);
    else if ("refused" in said && said.refused.session === session?.id) {
      console.warn(said.refused.reason);
      this.#failed();
    }
  }

  close(): void {
    clearTimeout(this.#ending);
    clearTimeout(this.#retry);
    this.#isWanted = false;
    this.#close();
  }

  #greet(): void {
    // The SFU answers with the assignment of the slots.
    if (this.#session?.connection.remoteDescription)
      this.listener.say(this.#shown || '{"show":{}}');
  }

  #open(): void {
    this.#session = new Session(this.configuration, this.listener, this.#failed);
    this.resend();
  }

  readonly #failed = () => {
    this.#close();
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      if (this.#isWanted && !this.#session) this.#open();
    }, ANSWER_TIMEOUT);
  };

  #close(): void {
    this.#session?.close();
    this.#session = undefined;
    this.listener.changed();
  }

  #addTransceivers(): void {
    const heard = this.#peers.filter(({ hear }) => hear);
    const pictures = this.#peers
      .filter(({ see }) => see)
      .map(({ player }) => this.picturesOf(player));
    const video = pictures.reduce((sum, count) => sum + count, 0);
    // A player who shares a screen may share its sound, too.
    this.#session?.addTransceivers(
      heard.length + pictures.filter((count) => count > 1).length,
      video,
    );
  }
}
