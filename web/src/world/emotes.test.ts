import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EMOTES, emoteOf, keyOf, moveWith } from "./emotes";

test("the server takes the same emotes, in the same order", () => {
  const source = readFileSync(new URL("../../../src/components/emote.rs", import.meta.url), "utf8");
  const list = /EMOTES: &\[&str\] = &\[([^\]]*)\]/.exec(source)?.[1] ?? "";
  const names = [...list.matchAll(/"(\w+)"/g)].map(([, name]) => name);
  expect(EMOTES.map(({ name }) => name.toLowerCase())).toEqual(names);
});

test("a digit key shows its emote, and other keys none", () => {
  expect(EMOTES.map((_, kind) => emoteOf(keyOf(kind) ?? ""))).toEqual([...EMOTES.keys()]);
  expect(["0", "9", "a", ""].map(emoteOf)).toEqual(Array(4).fill(undefined));
  expect(keyOf(9)).toBeUndefined();
});

test("the body moves with an emote, from rest to rest", () => {
  const pose = { hop: 0, lean: 0 };
  for (const kind of EMOTES.keys()) {
    const moves = [150, 350, 450, 530].filter((age) => {
      moveWith(kind, age, pose);
      return pose.hop > 0.2 || Math.abs(pose.lean) > 0.01;
    });
    expect(moves.length).toBeGreaterThan(0);
    expect(moveWith(kind, 0, pose)).toBe(true);
    expect([pose.hop, pose.lean].map(Math.abs)).toEqual([0, 0]);
  }
  expect(moveWith(0, 5000, pose)).toBe(false);
  expect(moveWith(99, 100, pose)).toBe(false);
});
