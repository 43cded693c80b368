/** Map: what a space is made of, and the grid of what blocks movement there. */

import { type Grid, openGrid, type TileRect } from "./grid";

export interface Element {
  id: string;
  imageUrl: string;
  width: number;
  height: number;
  static: boolean;
  flat: boolean;
  /** The part that blocks, in tiles from the top left. */
  footprint: TileRect;
}

export interface Placement {
  id: string;
  x: number;
  y: number;
  element: Element;
}

export interface Layer {
  name: string;
  above: boolean;
  /** Row by row; n is `tiles[n - 1]`, 0 is nothing. */
  data: number[];
}

export interface Zone extends TileRect {
  kind: string;
  name: string;
  /** The page that belongs to a link zone. */
  url: string | null;
  /** What stands on a note. */
  text: string | null;
  /** How far voices carry in it, in tiles. */
  reach: number | null;
  /** Where a portal leads: to a space, or a zone of this one. */
  target?: { space: string | null; zone: string | null } | null;
}

export interface SpaceMap {
  version: number;
  name: string;
  width: number;
  height: number;
  tiles: string[];
  layers: Layer[];
  /** One string of 0 and 1 a row: what the map itself blocks. */
  blocked: string[];
  zones: Zone[];
  elements: Placement[];
}

/** Whether two maps have the same size and the same tiles, layer by layer. */
export function hasSameTiles(one: SpaceMap, other: SpaceMap): boolean {
  if (one === other) return true;
  const isAlike = <T>(a: readonly T[], b: readonly T[]) =>
    a.length === b.length && a.every((item, at) => item === b[at]);
  return (
    one.width === other.width &&
    one.height === other.height &&
    isAlike(one.tiles, other.tiles) &&
    one.layers.length === other.layers.length &&
    one.layers.every((layer, at) => {
      const same = other.layers[at];
      return same !== undefined && layer.above === same.above && isAlike(layer.data, same.data);
    })
  );
}

/** What blocks movement: the map's own tiles and every static element. */
export function gridOf(map: SpaceMap): Grid {
  const grid = openGrid(map.width, map.height);
  map.blocked.forEach((row, y) => {
    for (let x = 0; x < row.length; x++) if (row[x] === "1") add(grid, x, y, 1);
  });
  for (const placement of map.elements) block(grid, placement, 1);
  return grid;
}

/** One placement more (`by` 1) or less (`by` −1) stands in the way. */
export function block(grid: Grid, placement: Placement, by: 1 | -1): void {
  const { element } = placement;
  if (!element.static) return;
  const { footprint } = element;
  for (let y = 0; y < footprint.height; y++) {
    for (let x = 0; x < footprint.width; x++) {
      add(grid, placement.x + footprint.x + x, placement.y + footprint.y + y, by);
    }
  }
}

/**
 * Where a standing thing touches the ground, in tiles from the top: what is drawn in front of what.
 */
export function groundLine(placement: Placement): number {
  const { footprint, height, static: isStatic } = placement.element;
  return placement.y + (isStatic ? footprint.y + footprint.height : height);
}

function add(grid: Grid, x: number, y: number, by: 1 | -1): void {
  if (x < 0 || y < 0 || x >= grid.width || y >= grid.height) return;
  const index = y * grid.width + x;
  grid.blockers[index] = Math.max(0, (grid.blockers[index] ?? 0) + by);
}
