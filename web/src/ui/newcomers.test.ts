import { expect, test } from "vitest";
import { Newcomers } from "./newcomers";

test("who comes near is news once, and again after five minutes", () => {
  const newcomers = new Newcomers();
  expect(newcomers.look([1, 2], 0)).toEqual([1, 2]);
  expect(newcomers.look([1, 2, 3], 1000)).toEqual([3]);
  expect(newcomers.look([2], 2000)).toEqual([]);
  expect(newcomers.look([1, 2], 3000)).toEqual([]);
  newcomers.look([], 200_000);
  expect(newcomers.look([1, 2], 300_500)).toEqual([1, 2]);
});
