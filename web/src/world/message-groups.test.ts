import { expect, test } from "vitest";
import { beginsDay, continues, dayName, type Grouped } from "./message-groups";

const noon = new Date(2026, 4, 20, 12).getTime();
const minutes = (count: number) => count * 60_000;
const said = (user: string, at: number, more: Partial<Grouped> = {}): Grouped => ({
  ...{ user, at, scope: 0, replyTo: null },
  ...more,
});

test("a speaker goes on until another one speaks, or for five minutes", () => {
  const first = said("ada", noon);
  expect(continues(first, said("ada", noon + minutes(2)))).toBe(true);
  expect(continues(first, said("bo", noon + minutes(2)))).toBe(false);
  expect(continues(first, said("ada", noon + minutes(6)))).toBe(false);
  expect(continues(undefined, first)).toBe(false);
});

test("an answer, and a message to others, begin a group", () => {
  const first = said("ada", noon);
  expect(continues(first, said("ada", noon + 1, { replyTo: "m1" }))).toBe(false);
  expect(continues(first, said("ada", noon + 1, { scope: 1 }))).toBe(false);
});

test("a day begins with its first message, and ends a group", () => {
  const late = said("ada", new Date(2026, 4, 20, 23, 59).getTime());
  const early = said("ada", new Date(2026, 4, 21, 0, 1).getTime());
  expect(beginsDay(undefined, late)).toBe(true);
  expect(beginsDay(late, early)).toBe(true);
  expect(beginsDay(said("bo", noon), late)).toBe(false);
  expect(continues(late, early)).toBe(false);
});

test("days have the names that people use", () => {
  expect(dayName(noon, noon)).toBe("Today");
  expect(dayName(noon - 24 * minutes(60), noon)).toBe("Yesterday");
  expect(dayName(new Date(2025, 11, 24).getTime(), noon)).toContain("2025");
  expect(dayName(new Date(2026, 0, 5).getTime(), noon)).not.toContain("2026");
});
