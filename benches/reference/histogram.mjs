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

  /** Of things that come so far apart: where one is late, those behind it that it stands for were late as well. */
  addCorrected(milliseconds, apart) {
    this.add(milliseconds);
    for (let left = milliseconds - apart; left >= apart; left -= apart) this.add(left);
  }

  /** Nothing when nothing was added. */
  at(quantile) {
    if (this.count === 0) return null;
    let [left, at] = [this.count * quantile, 0];
    while (left > this.#counts[at]) left -= this.#counts[at++];
    return at / FINENESS;
  }
}
