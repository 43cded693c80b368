/**
 * Packed: readers of what the server packs by hand. `docs/replication.md` states the bytes.
 */

import { DecodeError, type Reader } from "./bytes";
import type { Cell, Step } from "./codec.gen";

/** A byte of flags says which of the lists follow. */
export function readCell(r: Reader): Cell {
  const index = r.uint();
  const flags = r.u8();
  if (flags > 15) throw new DecodeError("a cell with other lists than there are");
  const list = <T>(flag: number, read: () => T): T[] => (flags & flag ? r.list(read) : []);
  return {
    index,
    full: (flags & 1) !== 0,
    left: list(2, () => r.uint()),
    entries: list(4, () => ({ gap: r.uint(), bits: [r.u8(), r.u8(), r.u8()] })),
    steps: list(8, () => readStep(r)),
  };
}

function readStep(r: Reader): Step {
  const low: [number, number] = [r.u8(), r.u8()];
  const rest = r.u8();
  const gap = rest >> 4;
  return { gap: gap === 15 ? gap + r.uint() : gap, low, turn: rest & 15 };
}
