/**
 * Mesh: a connection of its own to everybody whom the server connected to us. What is sent follows
 * the server's word: nothing to somebody who does not hear us. Muting and unmuting only swaps
 * tracks, so nothing is negotiated for it.
 */

import type { Peer } from "../net/codec";
import { uniqueName } from "../net/unique";
import { Negotiation, parseSignal } from "./negotiation";

/** What we send, if anything. */
export interface Sources {
  microphone: MediaStreamTrack | null;
  camera: MediaStreamTrack | null;
  screen: MediaStreamTrack | null;
  screenSound: MediaStreamTrack | null;
}

/** What somebody sends, in the order in which both sides put it into the connection. */
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
  /** A track of somebody is there from now on. */
  track(player: number, kind: Kind, track: MediaStreamTrack): void;
  /** Nothing comes from somebody any more. */
  gone(player: number): void;
  /** How the connection to somebody is. */
  state(player: number, state: RTCPeerConnectionState): void;
  say(player: number, body: string): void;
}

/**
 * This page, so that others notice when somebody loaded theirs again: their old connection is of no
 * use then.
 */
const PAGE = uniqueName();

/** Milliseconds after which a connection that broke is made anew. */
const AGAIN_AFTER = 3000;

class Link {
  readonly connection: RTCPeerConnection;
  readonly negotiation: Negotiation;
  /** The page at the other end, once it said something. */
  page: string | undefined;
  /**
   * Both sides get what they need another way: the connection is of no more use when both said so.
   */
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
    // One side lays out what is sent, so that both have it in the same order; the other takes it
    // up.
    if (polite) {
      // The other one may still have a connection to the page that was here before.
      this.negotiation.candidate(null);
      return;
    }
    for (const kind of KINDS) connection.addTransceiver(MEDIA[kind], { direction: "sendrecv" });
    preferCodecs(connection);
    void this.send().then(() => this.negotiation.offer());
  }

  /** It can end as far as this side is concerned, or cannot any more. */
  done(isDone: boolean, say: (signal: object) => void): void {
    if (isDone && !this.isDone.here) say({ done: true, page: PAGE });
    this.isDone.here = isDone;
  }

  /** Puts into place what this one may get. */
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

  /** An offer came: what it lays out is used in both directions. */
  async #takeUp(): Promise<void> {
    for (const transceiver of this.connection.getTransceivers()) transceiver.direction = "sendrecv";
    await this.send();
  }

  #restart(): void {
    this.connection.restartIce();
    // The other side has laid the connection out, or will do so: before that there is nothing to
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

  /** Servers that help browsers to find each other; for connections made from now on. */
  use(configuration: RTCConfiguration): void {
    this.#configuration = configuration;
  }

  /**
   * Everybody we are connected to from now on, and the user behind each number. Whoever goes over
   * to the forwarding unit is talked to directly until that works.
   */
  connect(peers: Iterable<Peer>, userOf: (player: number) => string | undefined): void {
    const isDirect = ({ player, route }: Peer) => route === 0 || this.#links.has(player);
    const wanted = new Map([...peers].filter(isDirect).map((peer) => [peer.player, peer]));
    for (const [player, link] of this.#links) {
      const peer = wanted.get(player);
      // After the space came back a number may be somebody else's. Cards may come after the peers:
      // who is not known yet is who they were.
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

  /** Everything of somebody comes through the forwarding unit. */
  release(player: number): void {
    const link = this.#links.get(player);
    if (!link || link.peer.route === 0) return;
    link.done(true, (signal) => this.listener.say(player, JSON.stringify(signal)));
    // One that was never connected brings nothing to wait for.
    if (link.isDone.there || link.connection.connectionState !== "connected")
      this.#close(player, link);
  }

  /** What we send changed. */
  resend(): void {
    for (const link of this.#links.values()) void link.send();
  }

  /** Somebody said something about the connection. */
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
