import { expect, test } from "vitest";
import { begunName, matching } from "./mentions";

test("a name begins after an @ at the start or after a space", () => {
  expect(begunName("hi @An")).toBe("An");
  expect(begunName("@")).toBe("");
  expect(begunName("mail@An")).toBeUndefined();
  expect(begunName("@Ann\n")).toBeUndefined();
});

test("suggested are names that go on from it, in any case, and no more than six", () => {
  expect(matching(["Ann", "ANNA", "Bo"], "an")).toEqual(["Ann", "ANNA"]);
  expect(matching(["Ann"], "Ann"), "a whole name needs no suggestion").toEqual([]);
  expect(
    matching(
      Array.from("abcdefgh", (letter) => `x${letter}`),
      "x",
    ),
  ).toHaveLength(6);
});
