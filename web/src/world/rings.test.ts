import { expect, test } from "vitest";
import { RING, ringUnder } from "./rings";

const peer = (hear: boolean, heard: boolean) => ({ hear, heard });

test("the own player is always marked, others while they hear or are heard", () => {
  expect(ringUnder(true, undefined, false)).toBe(RING.own);
  expect(ringUnder(false, undefined, false)).toBe(RING.none);
  expect(ringUnder(false, peer(false, false), true)).toBe(RING.none);
  expect(ringUnder(false, peer(false, true), false)).toBe(RING.near);
});

test("those who speak have a brighter ring", () => {
  expect(ringUnder(true, undefined, true)).toBe(RING.speaking);
  expect(ringUnder(false, peer(true, true), true)).toBe(RING.speaking);
});
