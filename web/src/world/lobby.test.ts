import { expect, test } from "vitest";
import { byLife, usual } from "./lobby";

const space = (id: string, people: number) => ({ id, people });

test("spaces with people come first, then those visited last, then as they came", () => {
  const spaces = [
    space("old", 0),
    space("new", 0),
    space("busy", 7),
    space("some", 2),
    space("last", 0),
  ];
  const visited = new Map([
    ["last", 20],
    ["old", 10],
  ]);
  expect(byLife(spaces, visited).map(({ id }) => id)).toEqual([
    "busy",
    "some",
    "last",
    "old",
    "new",
  ]);
});

test("a new space is made of an office or a park, at any position in the list", () => {
  const maps = ["Conference hall", "Garden", "Park", "Office"].map((name) => ({ name }));
  expect(usual(maps)?.name).toBe("Office");
  expect(usual(maps.slice(0, 3))?.name).toBe("Park");
  expect(usual(maps.slice(0, 2))?.name).toBe("Conference hall");
  expect(usual([])).toBeUndefined();
});
