import { expect, test } from "vitest";
import { type Box, type Bubble, boxOf, mostOpen, placeBubbles, TAIL } from "./speech";

const window: Box = { left: 0, top: 60, right: 1200, bottom: 800 };
const bubble = (x: number, y: number, more: Partial<Bubble> = {}): Bubble => ({
  ...{ x, y, under: y + 90, width: 200, height: 60 },
  ...more,
});
const isApart = (one: Box, other: Box) =>
  one.left >= other.right ||
  other.left >= one.right ||
  one.top >= other.bottom ||
  other.top >= one.bottom;
/** The face and the name of a person that a bubble belongs to. */
const faceOf = ({ x, y }: Bubble): Box => ({
  left: x - 40,
  top: y,
  right: x + 40,
  bottom: y + 60,
});

test("a bubble alone stands over the name of its person", () => {
  const one = bubble(500, 400);
  const [spot] = placeBubbles([one], [faceOf(one)], window);
  expect(spot).toEqual({ shift: 0, lift: 0, isUnder: false, isFolded: false });
  expect(boxOf(one, spot ?? never()).bottom).toBe(400 - TAIL);
});

test("two people side by side: bubbles are pushed apart", () => {
  const both = [bubble(500, 400), bubble(560, 400)];
  const spots = placeBubbles(both, both.map(faceOf), window);
  const [one, other] = both.map((bubble, at) => boxOf(bubble, spots[at] ?? never()));
  expect(spots.some(({ isFolded }) => isFolded)).toBe(false);
  expect(isApart(one ?? never(), other ?? never())).toBe(true);
});

test("no bubble lies on the face of one who stands behind", () => {
  const front = bubble(500, 400);
  const behind = bubble(510, 330);
  const [spot] = placeBubbles([front], [front, behind].map(faceOf), window);
  expect(isApart(boxOf(front, spot ?? never()), faceOf(behind))).toBe(true);
});

test("at the upper edge of the window a bubble stands under its person", () => {
  const one = bubble(500, 80);
  const [spot] = placeBubbles([one], [faceOf(one)], window);
  expect(spot?.isUnder).toBe(true);
  expect(boxOf(one, spot ?? never()).top).toBeGreaterThan(80 + 60);
});

test("at the side of the window it is pushed inside, and its tail shows to its person", () => {
  const one = bubble(40, 400);
  const [spot] = placeBubbles([one], [faceOf(one)], window);
  const box = boxOf(one, spot ?? never());
  expect(box.left).toBeGreaterThanOrEqual(0);
  expect(box.left).toBeLessThanOrEqual(40 - 10);
});

test("in a crowd the first keep their words, the others fold to dots", () => {
  const crowd = Array.from({ length: 30 }, (_, index) =>
    bubble(200 + (index % 10) * 80, 300 + Math.floor(index / 10) * 120),
  );
  const spots = placeBubbles(crowd, crowd.map(faceOf), window);
  const open = spots.filter(({ isFolded }) => !isFolded).length;
  expect(spots[0]?.isFolded).toBe(false);
  expect(open).toBeGreaterThan(0);
  expect(open).toBeLessThanOrEqual(mostOpen(window));
});

test("a bubble stays where it is while nothing is in the way", () => {
  const last = { shift: 30, lift: 28, isUnder: false, isFolded: false };
  const one = bubble(500, 400, { last });
  expect(placeBubbles([one], [faceOf(one)], window)).toEqual([last]);
  const far = bubble(500, 400, { last: { ...last, lift: 164 } });
  expect(placeBubbles([far], [faceOf(far)], window)[0]?.lift).toBe(0);
});

test("a small window has fewer bubbles with words", () => {
  expect(mostOpen({ left: 0, top: 0, right: 390, bottom: 300 })).toBe(2);
  expect(mostOpen({ left: 0, top: 0, right: 2560, bottom: 1440 })).toBe(8);
});

function never(): never {
  throw new Error("there is no such bubble");
}
