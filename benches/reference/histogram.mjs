/** Histogram: times in tenths of milliseconds, up to a minute. */

const FINENESS = 10;
const LONGEST = 60_000;

export class Histogram {
  #counts = new Uint32Array(LONGEST * FINENESS + 1);
  count = 0;

  add(milliseconds) {
    this.#counts[Math.round(Math.min(Math.max(milliseconds, 0), LONGEST) * FINENESS)]++;
    this.count++;
  }

  /**
   * Adds a time of events that come at this interval. A late event also stands for the events
   * that were held up behind it.
   */
  addCorrected(milliseconds, apart) {
    this.add(milliseconds);
    for (let left = milliseconds - apart; left >= apart; left -= apart) this.add(left);
  }

  /** Quantile in milliseconds; `null` when no time was added. */
  at(quantile) {
    if (this.count === 0) return null;
    let [left, at] = [this.count * quantile, 0];
    while (left > this.#counts[at]) left -= this.#counts[at++];
    return at / FINENESS;
  }
}
