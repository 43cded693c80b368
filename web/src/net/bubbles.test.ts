import { expect, test } from "vitest";
import { Bubbles } from "./bubbles";

const ME = 1;

function bubbles() {
  const told: string[] = [];
  const near = new Set<number>();
  const part = new Bubbles({
    send: ({ action, bubble }) => told.push(`send ${action} ${bubble}`),
    me: () => ME,
    nameOf: (player) => `P${player}`,
    distanceTo: (player) => (near.has(player) ? 1 : 9),
    notice: (message) => told.push(message),
    knocked: (player) => told.push(`knock ${player}`),
    asked: () => told.push("asked"),
    left: () => told.push("left"),
  });
  const change = (players: number[], more = {}) =>
    part.take({
      type: "Changed",
      full: false,
      bubbles: [{ bubble: 4, aside: false, locked: false, players, ...more }],
    });
  return { part, told, near, change };
}

test("the person is told who is in their bubble, and when others hear them again", () => {
  const { told, change } = bubbles();
  change([ME, 2, 3]);
  change([ME, 2]);
  change([]);
  expect(told).toEqual([
    "You are in a bubble with P2, P3. No one else hears you.",
    "You are no longer in the bubble: people near you hear you.",
    "left",
  ]);
});

test("a person who left their bubble on purpose knows it", () => {
  const { part, told, change } = bubbles();
  change([ME, 2], { aside: true });
  part.leave();
  change([2, 3]);
  expect(told).toEqual([
    "You stand aside with P2. Others hear you only softly.",
    "send 3 0",
    "left",
  ]);
  expect(part.mine).toBeUndefined();
});

test("a bubble right next to the person can be joined, or knocked at", () => {
  const { part, told, near, change } = bubbles();
  change([2, 3], { locked: true });
  expect(part.near()).toBeUndefined();
  near.add(3);
  const there = part.near();
  expect(there?.bubble).toBe(4);
  if (there) part.join(there);
  expect(told).toEqual(["send 2 4", "You knocked. A person in the bubble can let you in."]);
});

test("who asks to talk is answered, once; who has gone needs no answer", () => {
  const { part, told } = bubbles();
  for (const player of [2, 3]) part.take({ type: "Asked", player, aside: player === 3 });
  expect(part.askers.value).toEqual([
    { player: 2, name: "P2", aside: false },
    { player: 3, name: "P3", aside: true },
  ]);
  part.answer(3, true);
  part.forget((player) => player !== 2);
  expect(part.askers.value).toEqual([]);
  expect(told).toEqual(["asked", "asked", "send 6 3"]);
});
