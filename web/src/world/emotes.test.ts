import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EMOTES, emoteOf, keyOf } from "./emotes";

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
