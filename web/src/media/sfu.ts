/**
 * Forward: the connection to the server's forwarding unit, for circles of more people than can talk
 * directly. One stream of each kind goes up however many hear it; others come down in places that
 * the unit assigns. Who is in which place is the unit's word, which follows the space's: nothing is
 * asked for here but how large pictures are shown. `docs/proximity.md` has the messages.
 */

import type { Peer } from "../net/codec";
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

/** How long an answer may take, and how long a broken connection is waited for. */
const ANSWER_TIMEOUT = 5000;
/**
 * Places are added by so many, and there are no more than these, as the rules of the place allow.
 */
const MORE = { audio: 4, video: 3 } as const;
const MOST = { audio: 20, video: 12 } as const;

/** What the unit says. */
export type SfuReply =
  | { answer: { session: string; packed: string } }
  | { slots: { session: string; slots: { mid: string; player: number; kind: Kind }[] } }
  | { refused: { session: string; reason: string } }
  | { again: object };

export interface SfuListener extends CarrierListener {
  say(body: string): void;
}

/** The message, if it is one. */
export function parseReply(body: string): SfuReply | undefined {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null) return undefined;
    const isSaid = ["answer", "slots", "refused", "again"].some((word) => word in value);
    // The server is ours: what it says under a name has the shape of that name.
    return isSaid ? (value as SfuReply) : undefined;
  } catch {
    return undefined;
  }
}

/** How many places of a kind there should be for so many streams: never fewer than there are. */
export function transceiversFor(streams: number, kind: "audio" | "video", now: number): number {
  const more = MORE[kind];
  return Math.max(now, Math.min(MOST[kind], Math.ceil(streams / more) * more));
}

/** A description as it travels: compressed, because one message has 12 KiB at most. */
export async function pack(sdp: string): Promise<string> {
  const packed = new Blob([sdp]).stream().pipeThrough(new CompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** A description that has travelled. */
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
  /** Whose tracks come. */
  tracks: Tracks = new Map();
  readonly #arrivals = new Arrivals();
  #offering = false;
  #offersAgain = false;
  #packed = "";
  #timeout: ReturnType<typeof setTimeout> | undefined;

  constructor(
    configuration: RTCConfiguration,
    private readonly listener: SfuListener,
    /** It is of no use any more. */
    private readonly failed: () => void,
  ) {
    // One way for everything: each of dozens of streams would look for its own otherwise.
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

  /** Sees to it that there are places for so many, and that the unit knows of them. */
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

  /** Puts what goes up into place. */
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

  /** Whether something arrived since the track is the one it is now. */
  flows(track: MediaStreamTrack): boolean {
    const place = this.connection
      .getTransceivers()
      .find(({ receiver }) => receiver.track === track);
    return this.#arrivals.has(track, place?.receiver);
  }

  /** Says the offer that stands once more; `false` when none does. */
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
    // One after the other: the next one holds whatever was added meanwhile.
    this.#offersAgain = this.#offering;
    if (this.#offering) return;
    this.#offering = true;
    try {
      preferCodecs(this.connection);
      await this.connection.setLocalDescription();
      this.#packed = await pack(this.connection.localDescription?.sdp ?? "");
    } catch (error) {
      // It was closed meanwhile: another one offers, or none.
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

/** A camera goes up in two layers, so that small pictures cost their viewers little. */
function encodings(kind: Kind): RTCRtpEncodingParameters[] {
  if (kind === "camera") {
    return [
      { rid: "l", scaleResolutionDownBy: 2, maxBitrate: 150_000 },
      { rid: "h", maxBitrate: 700_000 },
    ];
  }
  return kind === "screen" ? [{ maxBitrate: 1_500_000 }] : [];
}

/** What the unit forwards, and every browser has. */
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
  /** As whom the session was made. */
  #me = -1;
  #ending: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #shown = "";

  constructor(
    private readonly configuration: RTCConfiguration,
    private readonly sources: () => Sources,
    /** How many pictures come from somebody. */
    private readonly picturesOf: (player: number) => number,
    private readonly listener: SfuListener,
  ) {}

  /** Whose tracks come through the unit. */
  get tracks(): Tracks {
    return this.#session?.isConnected ? this.#session.tracks : new Map();
  }

  /** Whether something of somebody's arrives this way already. */
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

  /** The connection to the server stands again: what was said meanwhile is said once more. */
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
    // The answer is whose streams come where.
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
    // Whoever shows a screen may let it be heard.
    this.#session?.addTransceivers(
      heard.length + pictures.filter((count) => count > 1).length,
      video,
    );
  }
}
