import { expect, test } from "vitest";
import type { Zone } from "./map";
import { reachBetween, reachOf, type Speaker } from "./voices";

const zone = (kind: string, x: number, reach: number | null): Zone => ({
  kind,
  name: kind,
  x,
  y: 2,
  width: 3,
  height: 2,
  url: null,
  text: null,
  reach,
});
const ZONES = [
  zone("note", 0, null),
  zone("voices", 10, 2),
  zone("voices", 11, 9),
  zone("voices", 20, 10),
];
const at = (x: number, y = 2, status = 0): Speaker => ({ x, y, status });

test("in a zone voices carry as far as it says, and elsewhere as in the whole space", () => {
  expect(reachOf(at(0), ZONES, 5)).toBe(5);
  expect(reachOf(at(20), ZONES, 5)).toBe(10);
  for (const inside of [at(10), at(12), at(10, 3)]) expect(reachOf(inside, ZONES, 5)).toBe(2);
  for (const outside of [at(9), at(14), at(10, 1), at(10, 4)])
    expect(reachOf(outside, ZONES, 5)).toBe(5);
});

test("of zones that overlap the first in the map counts", () => {
  expect(reachOf(at(11), ZONES, 5)).toBe(2);
  expect(reachOf(at(13), ZONES, 5)).toBe(9);
});

test("a quiet player hears only adjacent ones, in every zone", () => {
  expect(reachOf(at(0, 2, 4), ZONES, 5)).toBe(1);
  expect(reachOf(at(20, 2, 4), ZONES, 5)).toBe(1);
  expect(reachOf(at(20, 2, 1), ZONES, 5)).toBe(10);
});

test("between two the smaller reach counts, for both", () => {
  const people = [at(0), at(10), at(20), at(21), at(20, 2, 4)];
  for (const a of people) {
    for (const b of people) {
      const reach = reachBetween(a, b, ZONES, 5);
      expect(reach).toBe(reachBetween(b, a, ZONES, 5));
      expect(reach).toBe(Math.min(reachOf(a, ZONES, 5), reachOf(b, ZONES, 5)));
    }
  }
  expect(reachBetween(at(20), at(21), ZONES, 5)).toBe(10);
  expect(reachBetween(at(20), at(0), ZONES, 5)).toBe(5);
});
