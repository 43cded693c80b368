/**
 * Movement: one step of a body over the grid, exactly as `src/systems/movement.rs` does it.
 * Positions are in 1/64 tile; everything is an integer.
 */

import { type Doors, noDoors } from "./doors";
import { type Grid, isSolid } from "./grid";

export const SUBTILES = 64;
/** Half the side of a body. */
export const BODY_HALF = 19;

/** Speeds per axis in 1/64 tile per second: straight, then on a diagonal. */
const WALK = [320, 226] as const;
const RUN = [512, 362] as const;

/** −1, 0 or 1 to the right and down, by direction: none, then clockwise from up. */
export const SIGNS: readonly (readonly [number, number])[] = [
  [0, 0],
  [0, -1],
  [1, -1],
  [1, 0],
  [1, 1],
  [0, 1],
  [-1, 1],
  [-1, 0],
  [-1, -1],
];

export type Facing = 0 | 1 | 2 | 3;
export const FACING = { down: 0, left: 1, right: 2, up: 3 } as const;

export interface Body {
  x: number;
  y: number;
  carryX: number;
  carryY: number;
  facing: number;
}

/**
 * One step of a held direction, stopping before closed doors on each axis; the body is changed in
 * place.
 */
export function step(
  body: Body,
  grid: Grid,
  direction: number,
  run: boolean,
  tickRate: number,
  doors: Doors = noDoors,
): void {
  const [signX, signY] = SIGNS[direction] ?? [0, 0];
  const speed = (run ? RUN : WALK)[signX !== 0 && signY !== 0 ? 1 : 0];

  body.carryX = signX === 0 ? 0 : body.carryX + signX * speed;
  const stepX = Math.trunc(body.carryX / tickRate);
  body.carryX -= stepX * tickRate;
  const { x, y } = body;
  if (stepX !== 0) moveX(body, grid, stepX);
  if (!doors(tileOf(x), tileOf(y), tileOf(body.x), tileOf(y))) {
    body.x = x;
    body.carryX = 0;
  }

  body.carryY = signY === 0 ? 0 : body.carryY + signY * speed;
  const stepY = Math.trunc(body.carryY / tickRate);
  body.carryY -= stepY * tickRate;
  if (stepY !== 0) moveY(body, grid, stepY);
  if (!doors(tileOf(body.x), tileOf(y), tileOf(body.x), tileOf(body.y))) {
    body.y = y;
    body.carryY = 0;
  }

  if (signX !== 0) body.facing = signX < 0 ? FACING.left : FACING.right;
  else if (signY !== 0) body.facing = signY < 0 ? FACING.up : FACING.down;
}

function moveX(body: Body, grid: Grid, by: number): void {
  body.x += by;
  const column = tileOf(by > 0 ? body.x + BODY_HALF - 1 : body.x - BODY_HALF);
  const last = tileOf(body.y + BODY_HALF - 1);
  for (let row = tileOf(body.y - BODY_HALF); row <= last; row++) {
    if (isSolid(grid, column, row)) {
      body.x = by > 0 ? column * SUBTILES - BODY_HALF : (column + 1) * SUBTILES + BODY_HALF;
      body.carryX = 0;
      return;
    }
  }
}

function moveY(body: Body, grid: Grid, by: number): void {
  body.y += by;
  const row = tileOf(by > 0 ? body.y + BODY_HALF - 1 : body.y - BODY_HALF);
  const last = tileOf(body.x + BODY_HALF - 1);
  for (let column = tileOf(body.x - BODY_HALF); column <= last; column++) {
    if (isSolid(grid, column, row)) {
      body.y = by > 0 ? row * SUBTILES - BODY_HALF : (row + 1) * SUBTILES + BODY_HALF;
      body.carryY = 0;
      return;
    }
  }
}

export function tileOf(position: number): number {
  return Math.floor(position / SUBTILES);
}
