/**
 * Recent: the steps of the last two seconds. When a connection breaks or another process takes
 * over, the server may be some steps behind; those that it does not know are sent again.
 */

import type { Input } from "./prediction";

/** Milliseconds that steps are remembered. */
const REMEMBERED = 2000;
/** Steps sent at once: the server makes up for four, and takes the others one a tick. */
export const AT_ONCE = 4;

interface Place {
  x: number;
  y: number;
}

interface Step extends Place {
  input: Input;
  at: number;
}

export class Recent {
  #steps: Step[] = [];

  /** A step is taken from that place at that time. */
  add(input: Input, from: Place, at: number): void {
    this.#forget(at);
    this.#steps.push({ input, at, x: from.x, y: from.y });
  }

  /**
   * The steps that lead from where the server stands to where the player is seen; none when it is
   * not on that way.
   */
  since(server: Place, seen: Place, now: number): { input: Input; at: number }[] {
    this.#forget(now);
    if (isSame(server, seen)) return [];
    const from = this.#steps.findLastIndex((step) => isSame(step, server));
    return from < 0 ? [] : this.#steps.slice(from).map(({ input, at }) => ({ input, at }));
  }

  /** The player goes another way: no step leads to where they are. */
  clear(): void {
    this.#steps = [];
  }

  #forget(now: number): void {
    const first = this.#steps.findIndex(({ at }) => now - at <= REMEMBERED);
    this.#steps = first < 0 ? [] : this.#steps.slice(first);
  }
}

function isSame(one: Place, other: Place): boolean {
  return one.x === other.x && one.y === other.y;
}
