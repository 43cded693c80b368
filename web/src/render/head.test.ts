import { expect, it } from "vitest";
import { middle } from "./head";

it("takes the middle of a wide picture and the upper part of an upright one", () => {
  expect(middle(300, 100)).toEqual({ left: 100, top: 0, side: 100 });
  expect(middle(100, 300)).toEqual({ left: 0, top: 50, side: 100 });
  expect(middle(7, 7)).toEqual({ left: 0, top: 0, side: 7 });
});
