/**
 * Negotiation: two browsers agree on what they send each other, whoever begins. The pattern is
 * "perfect negotiation" of the WebRTC specification: when both begin at once the polite one takes
 * its own offer back.
 */

/** What two browsers say to each other through the server. */
export type Signal = { page?: string } & (
  | { done: true }
  | { description: { type: "offer" | "answer"; sdp: string } }
  | { candidate: { candidate: string; sdpMid: string | null; sdpMLineIndex: number | null } | null }
);

/** The message, if it is one. */
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

/** What of a connection the negotiation uses. */
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
  /** What arrived, one after the other. */
  #queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly connection: Negotiable,
    private readonly isPolite: boolean,
    private readonly say: (signal: Signal) => void,
    /** Called between taking an offer and answering it: what is to be sent back is put in place. */
    private readonly onOffer: () => Promise<void> | void = () => {},
  ) {}

  /** Offers what the connection would send now. */
  async offer(): Promise<void> {
    try {
      this.#isOffering = true;
      await this.connection.setLocalDescription();
      this.#sayLocal();
    } catch (error) {
      // To whoever went meanwhile nothing is offered.
      if (this.connection.signalingState !== "closed") throw error;
    } finally {
      this.#isOffering = false;
    }
  }

  /** Takes what the other one said. */
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
      // That there are no more says nothing that matters.
      if (signal.candidate === null) return;
      try {
        await connection.addIceCandidate(signal.candidate);
      } catch (error) {
        // Those of an offer that was not taken mean nothing.
        if (!this.#ignores) throw error;
      }
      return;
    }
    const { description } = signal;
    const isBusy = this.#isOffering || connection.signalingState !== "stable";
    this.#ignores = description.type === "offer" && isBusy && !this.isPolite;
    if (this.#ignores) return;
    // The polite one's own offer is taken back by this.
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
