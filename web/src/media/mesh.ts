/**
 * Mesh: one direct connection to each peer that the server connected to us. What is sent follows
 * the server's rules: nothing goes to a player who does not hear us. Muting and unmuting only swaps
 * tracks, so nothing is negotiated for it.
 */

import type { Peer } from "../net/codec.gen";
import { uniqueName } from "../net/unique";
import { Negotiation, parseSignal } from "./negotiation";

/** What we send, if anything. */
export interface Sources {
  microphone: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
  screen: MediaStreamTrack | null;
  screenSound: MediaStreamTrack | null;
}

/** The kinds of tracks, in the order in which both sides put them into the connection. */
export const KINDS = ["microphone", "camera", "screen", "screenSound"] as const;
export type Kind = (typeof KINDS)[number];

export const MEDIA = {
  microphone: "audio",
  camera: "video",
  screen: "video",
  screenSound: "audio",
} as const;

/**
 * Video codecs that every browser has, and what goes with them: shorter descriptions fit into one
 * message.
 */
const CODECS = new Set(["video/vp8", "video/h264", "video/rtx"]);

export interface MeshListener {
  /** A track of a player arrived. */
  track(player: number, kind: Kind, track: MediaStreamTrack): void;
  /** No track of a player arrives any more. */
  gone(player: number): void;
  /** The state of the connection to a player. */
  state(player: number, state: RTCPeerConnectionState): void;
  say(player: number, body: string): void;
}

/**
 * This page load, so that others notice when a player loaded the page again: their old connection
 * is useless then.
 */
const PAGE = uniqueName();

/** Milliseconds after which a broken connection is made again. */
const AGAIN_AFTER = 3000;

class Link {
  readonly connection: RTCPeerConnection;
  readonly negotiation: Negotiation;
  /** The page at the other end, once it said something. */
  page: string | undefined;
  /** Both sides get their tracks another way: the connection closes when both said so. */
  readonly isDone = { here: false, there: false };
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    public peer: Peer,
    /** Unknown until the other's card came. */
    public user: string | undefined,
    configuration: RTCConfiguration,
    private readonly sources: () => Sources,
    listener: MeshListener,
  ) {
    const { player, polite } = peer;
    const connection = new RTCPeerConnection(configuration);
    this.connection = connection;
    const say = (signal: object) => listener.say(player, JSON.stringify({ ...signal, page: PAGE }));
    this.negotiation = new Negotiation(connection, polite, say, () => this.#takeUp());
    connection.onicecandidate = ({ candidate }) => this.negotiation.candidate(candidate);
    connection.ontrack = ({ transceiver, track }) => {
      const kind = KINDS[connection.getTransceivers().indexOf(transceiver)];
      if (kind) listener.track(player, kind, track);
    };
    connection.onconnectionstatechange = () => {
      listener.state(player, connection.connectionState);
      clearTimeout(this.#again);
      if (connection.connectionState === "failed") this.#restart();
      else if (connection.connectionState === "disconnected") {
        this.#again = setTimeout(() => this.#restart(), AGAIN_AFTER);
      }
    };
    // One side adds the transceivers, so that both have them in the same order; the other takes
    // them over.
    if (polite) {
      // The other side may still have a connection to the page that was here before.
      this.negotiation.candidate(null);
      return;
    }
    for (const kind of KINDS) connection.addTransceiver(MEDIA[kind], { direction: "sendrecv" });
    preferCodecs(connection);
    void this.send().then(() => this.negotiation.offer());
  }

  /** Whether this side needs the connection any more. */
  done(isDone: boolean, say: (signal: object) => void): void {
    if (isDone && !this.isDone.here) say({ done: true, page: PAGE });
    this.isDone.here = isDone;
  }

  /** Gives each sender the track that this peer may have. */
  async send(): Promise<void> {
    const { heard, seen } = this.peer;
    const sources = this.sources();
    const allowed: Sources = {
      microphone: heard ? sources.microphone : null,
      camera: seen ? sources.camera : null,
      screen: seen ? sources.screen : null,
      screenSound: seen && heard ? sources.screenSound : null,
    };
    const transceivers = this.connection.getTransceivers();
    await Promise.all(
      KINDS.map(async (kind, index) => {
        const sender = transceivers[index]?.sender;
        if (sender && sender.track !== allowed[kind]) await sender.replaceTrack(allowed[kind]);
      }),
    );
  }

  close(): void {
    clearTimeout(this.#again);
    this.connection.onconnectionstatechange = null;
    this.connection.close();
  }

  /** An offer arrived: its transceivers are used in both directions. */
  async #takeUp(): Promise<void> {
    for (const transceiver of this.connection.getTransceivers()) transceiver.direction = "sendrecv";
    await this.send();
  }

  #restart(): void {
    this.connection.restartIce();
    // The other side has added its transceivers or will do so; before that there is nothing to
    // offer.
    if (this.connection.getTransceivers().length > 0) void this.negotiation.offer();
  }
}

function preferCodecs(connection: RTCPeerConnection): void {
  const all = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
  const some = all.filter(({ mimeType }) => CODECS.has(mimeType.toLowerCase()));
  if (some.length === 0) return;
  for (const transceiver of connection.getTransceivers()) {
    if (transceiver.receiver.track.kind === "video") transceiver.setCodecPreferences?.(some);
  }
}

export class Mesh {
  readonly #links = new Map<number, Link>();
  #configuration: RTCConfiguration = {};

  constructor(
    private readonly sources: () => Sources,
    private readonly listener: MeshListener,
  ) {}

  /** ICE servers for connections that are made from now on. */
  use(configuration: RTCConfiguration): void {
    this.#configuration = configuration;
  }

  /**
   * Takes all peers from now on, and a lookup of the user behind a player number. A peer that moves
   * to the SFU stays connected directly until its tracks arrive that way.
   */
  connect(peers: Iterable<Peer>, userOf: (player: number) => string | undefined): void {
    const isDirect = ({ player, route }: Peer) => route === 0 || this.#links.has(player);
    const wanted = new Map([...peers].filter(isDirect).map((peer) => [peer.player, peer]));
    for (const [player, link] of this.#links) {
      const peer = wanted.get(player);
      // After the space restarted, a number may belong to another user. Cards may come after the
      // peers: until then the user counts as the same.
      const user = userOf(player);
      const isOther = link.user !== undefined && user !== undefined && link.user !== user;
      if (!peer || isOther) this.#close(player, link);
      else link.user ??= user;
    }
    for (const peer of wanted.values()) {
      const link = this.#links.get(peer.player);
      if (link) {
        link.peer = peer;
        if (peer.route === 0) Object.assign(link.isDone, { here: false, there: false });
        void link.send();
        continue;
      }
      const user = userOf(peer.player);
      this.#links.set(
        peer.player,
        new Link(peer, user, this.#configuration, this.sources, this.listener),
      );
    }
  }

  /** Every track of the player arrives through the SFU. */
  release(player: number): void {
    const link = this.#links.get(player);
    if (!link || link.peer.route === 0) return;
    link.done(true, (signal) => this.listener.say(player, JSON.stringify(signal)));
    // A connection that was never established has nothing to wait for.
    if (link.isDone.there || link.connection.connectionState !== "connected")
      this.#close(player, link);
  }

  /** The own tracks changed. */
  resend(): void {
    for (const link of this.#links.values()) void link.send();
  }

  /** A signal of a player about the connection to them. */
  hear(player: number, body: string): void {
    const signal = parseSignal(body);
    let link = this.#links.get(player);
    if (!signal || !link) return;
    if (link.page !== undefined && link.page !== signal.page) {
      const { peer, user } = link;
      this.#close(player, link);
      link = new Link(peer, user, this.#configuration, this.sources, this.listener);
      this.#links.set(player, link);
    }
    link.page = signal.page;
    if ("done" in signal) {
      link.isDone.there = true;
      if (link.isDone.here) this.#close(player, link);
      return;
    }
    void link.negotiation.hear(signal);
  }

  connections(): RTCPeerConnection[] {
    return [...this.#links.values()].map(({ connection }) => connection);
  }

  close(): void {
    for (const [player, link] of this.#links) this.#close(player, link);
  }

  #close(player: number, link: Link): void {
    link.close();
    this.#links.delete(player);
    this.listener.gone(player);
  }
}
