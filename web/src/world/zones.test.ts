import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Zone } from "./map";
import { danceAt, minimapColour, seesSign, sentenceOf, signOf, tintOf } from "./zones";

const zone = (kind: string, reach: number | null = null): Zone => ({
  ...{ x: 0, y: 0, width: 1, height: 1 },
  ...{ kind, name: "", url: null, text: null, reach },
});

const file = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");
const kinds = [...file("src/components/zone.rs").matchAll(/Self::\w+ => "(\w+)"/g)].map(
  ([, kind]) => kind ?? "",
);

test("the page about maps has a row for every kind", () => {
  const page = file("docs/maps.md");
  expect(kinds.filter((kind) => !page.includes(`\n| \`${kind}\` |`))).toEqual([]);
});

test("every kind that the server knows has a colour, on the floor or on the minimap", () => {
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

test("a sign has the name and the kind of a zone, and says when a portal leads elsewhere", () => {
  expect(signOf({ ...zone("silent"), name: "Jetty" })).toEqual({
    name: "Jetty",
    kind: "Silent zone",
  });
  expect(signOf({ ...zone("stage"), name: "Stage" })).toEqual({ name: "Stage", kind: "" });
  expect(signOf(zone("note"))).toEqual({ name: "Note", kind: "" });
  const target = { space: "other", zone: "Door" };
  expect(signOf({ ...zone("portal"), name: "Gate", target })?.kind).toBe("Portal to another space");
  expect([signOf(zone("spawn")), signOf(zone("unknown"))]).toEqual([undefined, undefined]);
});

test("a sign is seen from near before one steps in, that of a portal from farther away", () => {
  const room = { ...zone("private"), x: 10, y: 10, width: 4, height: 4 };
  expect(seesSign(room, 12, 16)).toBe(true);
  expect(seesSign(room, 12, 12)).toBe(false);
  expect(seesSign(room, 12, 20)).toBe(false);
  expect(seesSign({ ...room, kind: "portal" }, 12, 20)).toBe(true);
});

test("who stands on a dance floor hops on the beat and leans to both sides", () => {
  const floors = [{ ...zone("silent"), x: 1 }, zone("dance")];
  const at = (x: number, player: number, seconds: number) =>
    danceAt(floors, { x, y: 0.5 }, player, seconds);
  expect([at(1.5, 1, 0), at(-0.1, 1, 0), at(2, 1, 0)]).toEqual(Array(3).fill(undefined));
  expect(at(0.5, 1, 0)?.hop).toBe(0);
  expect(at(0.5, 1, 0.25)?.hop).toBeCloseTo(5);
  expect(at(0.5, 1, 0.5)?.hop).toBeCloseTo(0);
  const leans = [at(0.5, 1, 0.25), at(0.5, 1, 0.75), at(0.5, 2, 0.25)].map((dance) => dance?.lean);
  expect(leans.map((lean) => Math.sign(lean ?? 0))).toEqual([-1, 1, 1]);
});
