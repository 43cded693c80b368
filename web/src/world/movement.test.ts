import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Grid, gridHash } from "./grid";
import { step } from "./movement";

interface Golden {
  maps: { name: string; rows: string[]; grid_hash: number }[];
  runs: {
    map: string;
    tick_rate: number;
    start: [number, number, number, number, number];
    steps: [number, number][];
    states: [number, number, number, number, number][];
  }[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL("../../../tests/golden/movement.json", import.meta.url), "utf8"),
);

const grids = new Map<string, Grid>(
  golden.maps.map(({ name, rows }) => [
    name,
    {
      width: rows[0]?.length ?? 0,
      height: rows.length,
      blockers: Uint16Array.from(rows.join(""), (tile) => (tile === "#" ? 1 : 0)),
    },
  ]),
);

test.each(golden.maps)("the grid $name has the server's hash", ({ name, grid_hash }) => {
  const grid = grids.get(name);
  expect(grid && gridHash(grid)).toBe(grid_hash);
});

test("every step ends bit by bit where the server's does", () => {
  let steps = 0;
  for (const run of golden.runs) {
    const grid = grids.get(run.map);
    if (!grid) throw new Error(`no map ${run.map}`);
    const [x, y, carryX, carryY, facing] = run.start;
    const body = { x, y, carryX, carryY, facing };
    run.steps.forEach(([direction, running], index) => {
      step(body, grid, direction, running === 1, run.tick_rate);
      const reached = [body.x, body.y, body.carryX, body.carryY, body.facing].map(
        (value) => value + 0,
      );
      expect(reached, `${run.map} at ${run.tick_rate} Hz, step ${index}`).toEqual(
        run.states[index],
      );
      steps++;
    });
  }
  expect(steps).toBeGreaterThan(1000);
});
