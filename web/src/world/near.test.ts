import { expect, test } from "vitest";
import { Meetings, type Near, shownOf, stepped, whoHears } from "./near";

const near = (player: number, strength: number): Near => ({
  ...{ player, strength, hear: true, heard: true },
});

test("the nearest are shown, in the order in which they came", () => {
  const people = [near(1, 0.2), near(2, 0.9), near(3, 0.1), near(4, 1)];
  const { shown, more } = shownOf(people, 3);
  expect(shown.map(({ player }) => player)).toEqual([1, 2, 4]);
  expect(more).toBe(1);
});

test("a strength has steps, so that tiles are not drawn for every step of a walk", () => {
  expect([stepped(0.49), stepped(0.51)]).toEqual([0.5, 0.5]);
  expect([stepped(-1), stepped(2)]).toEqual([0, 1]);
});

test("who can hear is named, and many are counted", () => {
  expect(whoHears([])).toBeUndefined();
  expect(whoHears(["Bo"])).toBe("Bo can hear you");
  expect(whoHears(["Bo", "Cleo"])).toBe("Bo and Cleo can hear you");
  expect(whoHears(["Bo", "Cleo", "Dan"])).toBe("Bo and 2 others can hear you");
});

test("a conversation begins once, others join it, and who comes back at once is no news", () => {
  const meetings = new Meetings();
  expect(meetings.look([], 0)).toBeUndefined();
  expect(meetings.look([1], 100)).toBe("began");
  expect(meetings.look([1], 200)).toBeUndefined();
  expect(meetings.look([1, 2], 300)).toBe("joined");
  expect(meetings.look([], 400)).toBeUndefined();
  expect(meetings.look([1], 2000)).toBeUndefined();
  expect(meetings.look([], 3000)).toBeUndefined();
  expect(meetings.look([1], 60_000)).toBe("began");
});
