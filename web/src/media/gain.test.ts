import { expect, test } from "vitest";
import { FAR, NEAR, volumeAt, volumeOf, WHY } from "./gain";

test("somebody near is heard fully, somebody far not at all", () => {
  expect(volumeAt(0)).toBe(1);
  expect(volumeAt(NEAR)).toBe(1);
  expect(volumeAt(FAR)).toBe(0);
  expect(volumeAt(100)).toBe(0);
  expect(volumeAt((NEAR + FAR) / 2)).toBeCloseTo(0.5);
});

test("the volume never rises with the distance", () => {
  for (let tiles = 0; tiles < 8; tiles += 0.01) expect(volumeAt(tiles + 0.01)).toBeLessThanOrEqual(volumeAt(tiles));
});

test("in an area and from a stage the distance does not matter", () => {
  expect(volumeOf({ hear: true, gain: 255, why: WHY.area }, 50)).toBe(1);
  expect(volumeOf({ hear: true, gain: 191, why: WHY.stage }, 50)).toBeCloseTo(0.75, 2);
  expect(volumeOf({ hear: true, gain: 255, why: WHY.distance }, 50)).toBe(0);
  expect(volumeOf({ hear: false, gain: 255, why: WHY.area }, 0)).toBe(0);
});
