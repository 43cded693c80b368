import { expect, test } from "vitest";
import { Negotiation, parseSignal, type Signal } from "./negotiation";

/**
 * As much of a browser's connection as the pattern leans on: states, and taking an own offer back.
 */
class FakeConnection {
  signalingState: RTCSignalingState = "stable";
  localDescription: RTCSessionDescription | null = null;
  remote: RTCSessionDescriptionInit | null = null;
  candidates: unknown[] = [];
  rollbacks = 0;

  constructor(readonly name: string) {}

  async setLocalDescription(): Promise<void> {
    await Promise.resolve();
    const type = this.signalingState === "have-remote-offer" ? "answer" : "offer";
    this.signalingState = type === "answer" ? "stable" : "have-local-offer";
    this.localDescription = { type, sdp: `${type} of ${this.name}`, toJSON: () => ({ type }) };
  }

  async setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
    await Promise.resolve();
    if (description.type === "offer" && this.signalingState === "have-local-offer")
      this.rollbacks++;
    if (description.type === "answer" && this.signalingState !== "have-local-offer")
      throw new Error("no offer stands");
    this.signalingState = description.type === "offer" ? "have-remote-offer" : "stable";
    this.remote = description;
  }

  async addIceCandidate(candidate?: RTCIceCandidateInit | null): Promise<void> {
    if (!this.remote) throw new Error("no description yet");
    this.candidates.push(candidate);
  }
}

function pair() {
  const [a, b] = [new FakeConnection("a"), new FakeConnection("b")];
  const wire: (() => Promise<void>)[] = [];
  const to = (other: () => Negotiation) => (signal: Signal) => {
    const body = parseSignal(JSON.stringify(signal));
    if (body) wire.push(() => other().hear(body));
  };
  const polite: Negotiation = new Negotiation(
    a,
    true,
    to(() => rude),
  );
  const rude: Negotiation = new Negotiation(
    b,
    false,
    to(() => polite),
  );
  const settle = async () => {
    for (let next = wire.shift(); next; next = wire.shift()) await next();
  };
  return { a, b, polite, rude, settle };
}

test("one offers and the other answers", async () => {
  const { a, b, rude, settle } = pair();
  await rude.offer();
  await settle();
  expect([a.signalingState, b.signalingState]).toEqual(["stable", "stable"]);
  expect(a.remote?.sdp).toBe("offer of b");
  expect(b.remote?.sdp).toBe("answer of a");
});

test("when both offer at once the polite one gives way", async () => {
  const { a, b, polite, rude, settle } = pair();
  await Promise.all([polite.offer(), rude.offer()]);
  await settle();
  expect([a.signalingState, b.signalingState]).toEqual(["stable", "stable"]);
  expect([a.rollbacks, b.rollbacks]).toEqual([1, 0]);
  expect(b.remote?.sdp).toBe("answer of a");
});

test("candidates of an offer that was not taken are passed over, others are not", async () => {
  const { a, b, polite, rude, settle } = pair();
  await rude.offer();
  await polite.offer();
  const candidate = { candidate: "x", sdpMid: "0", sdpMLineIndex: 0 };
  await rude.hear({ description: { type: "offer", sdp: "offer of a" } });
  await rude.hear({ candidate });
  expect(b.candidates).toEqual([]);
  await settle();
  await rude.hear({ candidate });
  expect(b.candidates).toEqual([candidate]);
  expect(a.signalingState).toBe("stable");
});

test("what is no signal is nothing", () => {
  for (const body of [
    "",
    "1",
    "null",
    "{}",
    '{"description":1}',
    '{"description":{"type":"offer"}}',
    '{"candidate":{}}',
  ]) {
    expect(parseSignal(body), body).toBeUndefined();
  }
  expect(parseSignal('{"candidate":null}')).toEqual({ candidate: null });
});
