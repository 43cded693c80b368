/**
 * Meter: frames and bytes per second of the connection, from totals that only rise. Costs nothing
 * while it is not read.
 */

export interface Totals {
  /** When they were read, in milliseconds. */
  at: number;
  frames: number;
  received: number;
  sent: number;
}

export interface Rates {
  framesPerSecond: number;
  receivedPerSecond: number;
  sentPerSecond: number;
}

/** Milliseconds that a rate looks back. */
const WINDOW = 2000;
/** A reading older than this was taken before the meter was hidden, or the page slept. */
const STALE = 5000;

export class Meter {
  #readings: Totals[] = [];

  /** The rates since the oldest reading that is not too old. */
  read(now: Totals): Rates {
    const last = this.#readings.at(-1);
    if (last && now.at - last.at > STALE) this.#readings = [];
    this.#readings.push(now);
    // One reading from before the window stays, so that the window is always covered.
    while ((this.#readings[1]?.at ?? now.at) <= now.at - WINDOW) this.#readings.shift();
    const from = this.#readings[0] ?? now;
    const seconds = (now.at - from.at) / 1000;
    const rate = (total: number) => (seconds > 0 ? total / seconds : 0);
    return {
      framesPerSecond: rate(now.frames - from.frames),
      receivedPerSecond: rate(now.received - from.received),
      sentPerSecond: rate(now.sent - from.sent),
    };
  }
}

/** Bytes as people read them: `312 B`, `4.1 kB`, `20 kB`. */
export function bytesText(count: number): string {
  if (count < 1000) return `${Math.round(count)} B`;
  const thousands = count / 1000;
  return `${thousands < 10 ? thousands.toFixed(1) : Math.round(thousands)} kB`;
}
