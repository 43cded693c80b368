/**
 * Silence: whether an open line has brought no frames for so long that the space must be on its way to another process.
 * A space at rest sends none, or a beat a second; what was asked of it is answered within a tick.
 */

import type { Frame } from "./codec";

/** Milliseconds between two frames at most where one is due each second: lines jitter. */
const LONG = 1500;

export class Silence {
  #lastFrame = 0;
  #lastNews: string | undefined;
  #hasBeat = false;
  /** When there was nothing to be answered. */
  #content = 0;

  /** A connection stands since then. */
  begin(now: number): void {
    this.#lastFrame = now;
    this.#content = now;
    this.#lastNews = undefined;
  }

  hear(frame: Frame, now: number): void {
    this.#lastFrame = now;
    const { own, ack, roster, cells, dropped } = frame;
    const isEmpty = [roster.came, roster.gone, cells, dropped].every(({ length }) => length === 0);
    const news = JSON.stringify([own, ack]);
    // A frame that tells nothing is sent to be heard: from here on silence tells something.
    if (isEmpty && !roster.full && news === this.#lastNews) this.#hasBeat = true;
    this.#lastNews = news;
  }

  /** `isAsked`: a step or a line waits for its answer, or a walk goes on. */
  isLong(now: number, isAsked: boolean): boolean {
    if (!isAsked) this.#content = now;
    const since = this.#hasBeat ? this.#lastFrame : Math.max(this.#lastFrame, this.#content);
    return now - since > LONG;
  }
}
