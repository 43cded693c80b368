import { expect, test } from "vitest";
import { isSolid } from "./grid";
import { block, gridOf, groundLine, hasSameTiles, type Placement, type SpaceMap } from "./map";

const tree: Placement = {
  id: "p1",
  x: 1,
  y: 0,
  element: {
    id: "tree",
    imageUrl: "/art/elements/tree.svg",
    width: 3,
    height: 4,
    static: true,
    flat: false,
    footprint: { x: 1, y: 3, width: 1, height: 1 },
  },
};

const map: SpaceMap = {
  version: 1,
  name: "Test",
  width: 5,
  height: 5,
  tiles: [],
  layers: [],
  blocked: ["00000", "00000", "00000", "10000", "00000"],
  zones: [],
  elements: [tree],
};

test("only a tree's trunk is in the way, and people walk behind its crown", () => {
  const grid = gridOf(map);
  const solid = [];
  for (let y = 0; y < 5; y++)
    for (let x = 0; x < 5; x++) if (isSolid(grid, x, y)) solid.push([x, y]);
  expect(solid).toEqual([
    [0, 3],
    [2, 3],
  ]);
  expect(groundLine(tree)).toBe(4);
});

test("what was removed is not in the way, unless something else is", () => {
  const grid = gridOf(map);
  block(grid, tree, 1);
  block(grid, tree, -1);
  expect(isSolid(grid, 2, 3)).toBe(true);
  block(grid, tree, -1);
  expect(isSolid(grid, 2, 3)).toBe(false);
});

test("two maps look the same while their tiles do, no matter what stands on them", () => {
  const tiled = {
    ...map,
    tiles: ["grass"],
    layers: [{ name: "ground", above: false, data: Array(25).fill(1) }],
  };
  expect(
    hasSameTiles(tiled, {
      ...tiled,
      version: 2,
      elements: [],
      layers: structuredClone(tiled.layers),
    }),
  ).toBe(true);
  const [layer] = structuredClone(tiled.layers);
  if (layer) layer.data[7] = 0;
  expect(hasSameTiles(tiled, { ...tiled, layers: layer ? [layer] : [] })).toBe(false);
  expect(hasSameTiles(tiled, { ...tiled, tiles: ["sand"] })).toBe(false);
  expect(hasSameTiles(tiled, { ...tiled, width: 6 })).toBe(false);
});
