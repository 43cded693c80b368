import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SHORTCUTS, withKey } from "./keys";

const help = readFileSync(new URL("../../public/help.html", import.meta.url), "utf8");

test.each(Object.entries(SHORTCUTS))("the help page names the key for %s", (_, { shown }) => {
  expect(help).toContain(`<kbd>${shown}</kbd>`);
});

test("no key has two shortcuts", () => {
  const keys = Object.values(SHORTCUTS).flatMap(({ keys }) => [...keys]);
  expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
});

test("a label names its key", () => {
  expect(withKey("Leave it", SHORTCUTS.bubble)).toBe("Leave it (B)");
});
