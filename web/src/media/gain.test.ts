import { expect, test } from "vitest";
import { USUAL_REACH, volumeAt, volumeOf, WHY } from "./gain";

test("somebody near is heard fully, somebody far not at all", () => {
  for (const [reach, full] of [
    [USUAL_REACH, 2],
    [10, 4],
  ] as const) {
    expect(volumeAt(0, reach)).toBe(1);
    expect(volumeAt(full, reach)).toBe(1);
    expect(volumeAt(reach + 1, reach)).toBe(0);
    expect(volumeAt(100, reach)).toBe(0);
    expect(volumeAt((full + reach + 1) / 2, reach)).toBeCloseTo(0.5);
  }
});

test("the volume never rises with the distance", () => {
  for (let tiles = 0; tiles < 8; tiles += 0.01) {
    expect(volumeAt(tiles + 0.01, USUAL_REACH)).toBeLessThanOrEqual(volumeAt(tiles, USUAL_REACH));
  }
});

test("in an area and from a stage the distance does not matter", () => {
  expect(volumeOf({ hear: true, gain: 255, why: WHY.area }, 50)).toBe(1);
  expect(volumeOf({ hear: true, gain: 191, why: WHY.stage }, 50)).toBeCloseTo(0.75, 2);
  expect(volumeOf({ hear: true, gain: 255, why: WHY.distance }, 50)).toBe(0);
  expect(volumeOf({ hear: false, gain: 255, why: WHY.area }, 0)).toBe(0);
});
