/**
 * Silence: whether an open connection has brought no frames for so long that the space must be
 * moving to another process. A space at rest sends none; a request is answered within a tick.
 */

/** Milliseconds that an answer may take at most, jitter included. */
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

  /** `isAsked`: a step or a message waits for its answer, or a walk goes on. */
  isLong(now: number, isAsked: boolean): boolean {
    if (!isAsked) this.#content = now;
    return now - Math.max(this.#lastFrame, this.#content) > LONG;
  }
}
