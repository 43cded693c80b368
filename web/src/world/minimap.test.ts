import { expect, test } from "vitest";
import { type Named, placeNames } from "./minimap";

const named = (x: number, y: number, width: number, height: number): Named => ({
  ...{ x, y, width, height, nameWidth: 60 },
});

test("a name stands in the middle of its zone", () => {
  expect(placeNames([named(100, 100, 80, 60)], 400, 300)).toEqual([{ x: 140, y: 130 }]);
});

test("a name at the edge is moved inside the map", () => {
  expect(placeNames([named(0, 100, 8, 8)], 400, 300)[0]?.x).toBe(32);
  expect(placeNames([named(392, 100, 8, 8)], 400, 300)[0]?.x).toBe(368);
});

test("names do not lie on each other: the smaller zone gives way, or has none", () => {
  const places = placeNames([named(100, 100, 8, 8), named(90, 90, 40, 40)], 400, 300);
  expect(places[1]).toEqual({ x: 110, y: 110 });
  expect(places[0]?.y).not.toBe(104);
  const many = placeNames(Array(5).fill(named(100, 100, 20, 10)), 400, 300);
  expect(many.filter((place) => place !== undefined)).toHaveLength(3);
});
