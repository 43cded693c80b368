import { expect, test } from "vitest";
import { coveredBy } from "./stage";

test("a panel covers the right of a wide window, and the lower part of a narrow one", () => {
  expect(coveredBy(undefined, 1000, 800)).toEqual({ right: 0, bottom: 0 });
  expect(coveredBy({ left: 700, top: 0, width: 300 }, 1000, 800)).toEqual({
    right: 300,
    bottom: 0,
  });
  expect(coveredBy({ left: 0, top: 500, width: 400 }, 400, 800)).toEqual({ right: 0, bottom: 300 });
});

test("a panel that covers nearly everything leaves the player in the middle of the window", () => {
  expect(coveredBy({ left: 0, top: 0, width: 400 }, 400, 800)).toEqual({ right: 0, bottom: 0 });
});
