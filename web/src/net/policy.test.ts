import { expect, test } from "vitest";
import { delayAfter, delayBefore, endingFor } from "./policy";

test("waits longer each time, at most five seconds, never the same for everybody", () => {
  expect([0, 1, 2, 3, 4, 9].map((attempt) => delayBefore(attempt, () => 1))).toEqual([
    500, 1000, 2000, 4000, 5000, 5000,
  ]);
  expect(delayBefore(5, () => 0)).toBe(0);
});

test("a lost connection is tried again; a refusal is explained", () => {
  for (const code of [1000, 1001, 1006, 1011, 4408, 4429]) expect(endingFor(code)).toBeUndefined();
  for (const code of [4401, 4403, 4404, 4409, 4410, 4411, 4412, 4413, 4414, 4415, 4416, 4426])
    expect(endingFor(code)?.advice).toBeTruthy();
});

test("who is kept out is told why", () => {
  expect(endingFor(4403, "Your account is suspended: loud")?.advice).toBe(
    "Your account is suspended: loud",
  );
  expect(endingFor(4415, "Olga sent you out of this space.")?.advice).toBe(
    "Olga sent you out of this space.",
  );
  expect(endingFor(4401, "signed out")?.advice).toBe(endingFor(4401)?.advice);
});

test("comes back within half a second at first, anywhere in it", () => {
  expect([0, 0.25, 1].map((chance) => delayBefore(0, () => chance))).toEqual([0, 125, 500]);
});

test("comes back ever more slowly when it was too much for the server", () => {
  expect([0, 1, 4, 9].map((attempt) => delayAfter(4429, attempt, () => 1))).toEqual([
    2000, 4000, 32_000, 60_000,
  ]);
  expect(delayAfter(4429, 0, () => 0)).toBe(1000);
  expect(delayAfter(1006, 0, () => 1)).toBe(500);
});
