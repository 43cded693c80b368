import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Zone } from "./map";
import { minimapColour, sentenceOf, tintOf } from "./zones";

const zone = (kind: string, reach: number | null = null): Zone => ({
  ...{ x: 0, y: 0, width: 1, height: 1 },
  ...{ kind, name: "", url: null, text: null, reach },
});

test("every kind that the server knows has a colour, on the floor or on the minimap", () => {
  const source = readFileSync(new URL("../../../src/components/zone.rs", import.meta.url), "utf8");
  const kinds = [...source.matchAll(/Self::\w+ => "(\w+)"/g)].map(([, kind]) => kind ?? "");
  expect(kinds).toContain("private");
  const pale = minimapColour("unknown");
  expect(kinds.filter((kind) => !tintOf(kind) && minimapColour(kind) === pale)).toEqual([]);
});

test("a zone of a kind that is not known has no tint and no sentence", () => {
  expect(tintOf("unknown")).toBeUndefined();
  expect(sentenceOf(zone("unknown"))).toBeUndefined();
});

test("who enters is told what the zone does to voices", () => {
  expect(sentenceOf(zone("silent"))).toBe("No one hears you here.");
  expect(sentenceOf(zone("voices", 1))).toBe("Voices carry 1 tile here.");
  expect(sentenceOf(zone("voices", 8))).toBe("Voices carry 8 tiles here.");
});
