/**
 * Silence: whether an open line has brought no frames for so long that the space must be on its way
 * to another process. A space at rest sends none; what was asked of it is answered within a tick.
 */

/** Milliseconds that an answer may take at most: lines jitter. */
const LONG = 1500;

export class Silence {
  #lastFrame = 0;
  /** When there was nothing to be answered. */
  #content = 0;

  /** A connection stands since then. */
  begin(now: number): void {
    this.#lastFrame = now;
    this.#content = now;
  }

  /** A frame came. */
  hear(now: number): void {
    this.#lastFrame = now;
  }

  /** `isAsked`: a step or a line waits for its answer, or a walk goes on. */
  isLong(now: number, isAsked: boolean): boolean {
    if (!isAsked) this.#content = now;
    return now - Math.max(this.#lastFrame, this.#content) > LONG;
  }
}
