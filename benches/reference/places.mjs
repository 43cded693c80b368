/**
 * Places: a path on which each position tells the step that led to it, so that a client that sees
 * another knows which move it sees.
 */

const SIDE = 64;

/** Steps until the path repeats: about seven minutes. No position is seen that late. */
export const STEPS = SIDE * SIDE;

/** Along one row, then back along the next: each step changes one coordinate. */
export function placeOf(step) {
  const row = Math.floor(step / SIDE) % SIDE;
  const along = step % SIDE;
  return { x: row % 2 === 0 ? along : SIDE - 1 - along, y: row };
}

export function stepTo(x, y) {
  return y * SIDE + (y % 2 === 0 ? x : SIDE - 1 - x);
}
