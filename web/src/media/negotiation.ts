/**
 * Negotiation: two browsers agree on what they send each other, no matter which side begins. The
 * pattern is "perfect negotiation" of the WebRTC specification: when both begin at once, the polite
 * side rolls its own offer back.
 */

/** A signal between two browsers, carried by the server. */
export type Signal = { page?: string } & (
  | { done: true }
  | { description: { type: "offer" | "answer"; sdp: string } }
  | { candidate: { candidate: string; sdpMid: string | null; sdpMLineIndex: number | null } | null }
);

/** The signal in a message body; `undefined` when there is none. */
export function parseSignal(body: string): Signal | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const page = "page" in value && typeof value.page === "string" ? { page: value.page } : {};
  if ("description" in value) {
    const { description } = value;
    if (typeof description !== "object" || description === null) return undefined;
    if (!("type" in description) || !("sdp" in description) || typeof description.sdp !== "string")
      return undefined;
    const { type, sdp } = description;
    return type === "offer" || type === "answer"
      ? { ...page, description: { type, sdp } }
      : undefined;
  }
  if ("done" in value) return { ...page, done: true };
  if (!("candidate" in value)) return undefined;
  const { candidate } = value;
  if (candidate === null) return { ...page, candidate: null };
  if (typeof candidate !== "object" || !("candidate" in candidate)) return undefined;
  if (typeof candidate.candidate !== "string") return undefined;
  const sdpMid =
    "sdpMid" in candidate && typeof candidate.sdpMid === "string" ? candidate.sdpMid : null;
  const isNumber = "sdpMLineIndex" in candidate && typeof candidate.sdpMLineIndex === "number";
  const sdpMLineIndex = isNumber ? (candidate.sdpMLineIndex as number) : null;
  return { ...page, candidate: { candidate: candidate.candidate, sdpMid, sdpMLineIndex } };
}

/** The parts of a connection that the negotiation uses. */
export type Negotiable = Pick<
  RTCPeerConnection,
  | "signalingState"
  | "localDescription"
  | "setLocalDescription"
  | "setRemoteDescription"
  | "addIceCandidate"
>;

export class Negotiation {
  #isOffering = false;
  #ignores = false;
  /** Signals are taken one after the other. */
  #queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly connection: Negotiable,
    private readonly isPolite: boolean,
    private readonly say: (signal: Signal) => void,
    /** Called between taking an offer and answering it, to put the own tracks in place. */
    private readonly onOffer: () => Promise<void> | void = () => {},
  ) {}

  /** Offers what the connection would send now. */
  async offer(): Promise<void> {
    try {
      this.#isOffering = true;
      await this.connection.setLocalDescription();
      this.#sayLocal();
    } catch (error) {
      // The peer has left: there is no one to offer anything to.
      if (this.connection.signalingState !== "closed") throw error;
    } finally {
      this.#isOffering = false;
    }
  }

  /** Takes a signal of the other side. */
  hear(signal: Signal): Promise<void> {
    this.#queue = this.#queue
      .then(() => this.#take(signal))
      .catch((error: Error) => console.warn(error.message));
    return this.#queue;
  }

  candidate(candidate: RTCIceCandidate | null): void {
    const { sdpMid = null, sdpMLineIndex = null } = candidate ?? {};
    this.say({ candidate: candidate && { candidate: candidate.candidate, sdpMid, sdpMLineIndex } });
  }

  async #take(signal: Signal): Promise<void> {
    const { connection } = this;
    if ("done" in signal) return;
    if ("candidate" in signal) {
      // The end of the candidates needs no action.
      if (signal.candidate === null) return;
      try {
        await connection.addIceCandidate(signal.candidate);
      } catch (error) {
        // Candidates of an offer that was ignored cannot be added.
        if (!this.#ignores) throw error;
      }
      return;
    }
    const { description } = signal;
    const isBusy = this.#isOffering || connection.signalingState !== "stable";
    this.#ignores = description.type === "offer" && isBusy && !this.isPolite;
    if (this.#ignores) return;
    // This also rolls the polite side's own offer back.
    await connection.setRemoteDescription(description);
    if (description.type !== "offer") return;
    await this.onOffer();
    await connection.setLocalDescription();
    this.#sayLocal();
  }

  #sayLocal(): void {
    const { localDescription } = this.connection;
    if (!localDescription) return;
    const { type, sdp } = localDescription;
    if (type === "offer" || type === "answer") this.say({ description: { type, sdp } });
  }
}
