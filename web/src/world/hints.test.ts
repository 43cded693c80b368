import "../fake-browser";
import { expect, test } from "vitest";
import { doneBefore, type Hint, nextHint, remember } from "./hints";

test("walking comes first, then talking, then nothing", () => {
  expect(nextHint(new Set())).toBe("walk");
  expect(nextHint(new Set<Hint>(["talk"]))).toBe("walk");
  expect(nextHint(new Set<Hint>(["walk"]))).toBe("talk");
  expect(nextHint(new Set<Hint>(["walk", "talk"]))).toBeUndefined();
});

test("what was done is remembered, and nothing else", () => {
  expect([...doneBefore()]).toEqual([]);
  remember(new Set<Hint>(["talk"]));
  expect([...doneBefore()]).toEqual(["talk"]);
  localStorage.setItem("plaza.hints", "fly walk");
  expect([...doneBefore()]).toEqual(["walk"]);
});
