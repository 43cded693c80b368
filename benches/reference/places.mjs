/** Places: a way on which a place tells which step led there, so that whoever sees somebody knows which of their moves it sees. */

const SIDE = 64;

/** After so many steps the way begins again: some seven minutes, and nothing is seen that late. */
export const STEPS = SIDE * SIDE;

/** The row to and fro, then the next: one coordinate changes with each step. */
export function placeOf(step) {
  const row = Math.floor(step / SIDE) % SIDE;
  const along = step % SIDE;
  return { x: row % 2 === 0 ? along : SIDE - 1 - along, y: row };
}

export function stepTo(x, y) {
  return y * SIDE + (y % 2 === 0 ? x : SIDE - 1 - x);
}
