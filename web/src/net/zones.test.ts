import { expect, test } from "vitest";
import { type Doors, noDoors } from "../world/doors";
import { type Grid, openGrid } from "../world/grid";
import type { Zone } from "../world/map";
import { Zones } from "./zones";

const zone = (kind: string, x: number): Zone => ({
  ...{ kind, name: `${kind} ${x}`, x, y: 0, width: 4, height: 4 },
  ...{ url: null, text: null, reach: null },
});

function zones() {
  const told: string[] = [];
  const state: { doors: Doors; tile: { x: number; y: number }; grid: Grid } = {
    doors: noDoors,
    tile: { x: 3, y: 1 },
    grid: openGrid(20, 10),
  };
  const part = new Zones({
    send: (message) => told.push(message.type) > 0,
    zones: () => [zone("silent", 0), zone("private", 4)],
    grid: () => state.grid,
    tile: () => state.tile,
    nameOf: (player) => `Player ${player}`,
    isHere: (player) => player < 9,
    hang: (doors) => {
      state.doors = doors;
    },
    knocked: () => told.push("sound"),
    notice: (message) => told.push(message),
    leave: (space, arrive) => told.push(`${space} ${arrive}`),
  });
  return { part, told, state };
}
const locked = { type: "State", zone: 1, locked: true, people: 1, cap: 0 } as const;

test("a zone that another one locked is closed until this player is let in", () => {
  const { part, told, state } = zones();
  part.take({ ...locked, lockedBy: 2 });
  expect(state.doors(3, 1, 4, 1)).toBe(false);
  expect(part.doorHere()).toEqual({ zone: 1, name: "private 4", why: "Locked by Player 2" });
  part.take({ type: "Admitted", zone: 1 });
  expect(state.doors(3, 1, 4, 1)).toBe(true);
  expect(part.doorHere()).toBeUndefined();
  expect(told).toEqual(["You may come in."]);
  // Locked once more, it is closed again.
  part.take({ ...locked, locked: false, lockedBy: null });
  part.take({ ...locked, lockedBy: 99 });
  expect(part.doorHere()?.why).toBe("Locked");
});

test("a full zone is closed", () => {
  const { part } = zones();
  part.take({ ...locked, locked: false, people: 2, cap: 2, lockedBy: null });
  expect(part.doorHere()?.why).toBe("Full: 2 of 2 inside");
});

test("a player is told where they stand, and whether a way leads out", () => {
  const { part, state } = zones();
  expect(part.here()).toEqual([0]);
  expect(part.isWalledIn()).toBe(false);
  state.grid.blockers.fill(1);
  expect(part.isWalledIn()).toBe(true);
});

test("who knocks is let in or not, and asks once", () => {
  const { part, told } = zones();
  part.take({ type: "Knocked", player: 5, zone: 1 });
  part.take({ type: "Knocked", player: 5, zone: 1 });
  part.take({ type: "Knocked", player: 6, zone: 1 });
  expect(part.knocks.value.map(({ name }) => name)).toEqual(["Player 5", "Player 6"]);
  told.length = 0;
  part.answer(5, true);
  part.answer(6, false);
  expect(told).toEqual(["Admit"]);
  expect(part.knocks.value).toEqual([]);
});

test("a new connection begins with open doors", () => {
  const { part, state } = zones();
  part.take({ ...locked, lockedBy: 2 });
  part.begin();
  expect(state.doors(3, 1, 4, 1)).toBe(true);
});
