import { expect, test } from "vitest";
import { duration, fieldOf, shortTime, timeIn, untilTime, withLocalTimes } from "./times";

const NOW = Date.UTC(2026, 4, 3, 12);
const MINUTE = 60_000;

test("what is near is counted, what is far has a date", () => {
  expect(shortTime(NOW + 1000, NOW)).toBe("in a moment");
  expect(shortTime(NOW + 4.5 * MINUTE, NOW)).toBe("in 5 minutes");
  expect(shortTime(NOW + 3 * 60 * MINUTE, NOW)).toMatch(/^at \d/);
  expect(shortTime(NOW + 3 * 24 * 60 * MINUTE, NOW)).toMatch(/^on .*2026/);
});

test("no end, and the largest number there is, are for good", () => {
  expect(untilTime(null, NOW)).toBe("for good");
  expect(untilTime(2 ** 63, NOW)).toBe("for good");
  expect(untilTime(NOW + MINUTE, NOW)).toMatch(/^until \d/);
});

test("moments in sentences of the server are local ones", () => {
  const text = withLocalTimes("Closed until 2026-05-03T12:30:00Z: tidying.", NOW);
  expect(text).toMatch(/^Closed until \d+:\d\d.*: tidying\.$/);
});

test("durations have the unit that people use", () => {
  const hours = (count: number) => duration(count * 60 * MINUTE);
  expect([duration(10 * MINUTE), hours(1), hours(24), hours(168)]).toEqual([
    "10 minutes",
    "1 hour",
    "1 day",
    "7 days",
  ]);
});

test("a field for date and time holds what it was given", () => {
  expect(timeIn(fieldOf(NOW))).toBe(NOW);
  expect([fieldOf(null), timeIn(""), timeIn("soon")]).toEqual(["", null, null]);
});
