/**
 * Faults: a connection between a browser and the server that is slow, uneven and sometimes stalled,
 * but loses nothing until it is cut.
 */

import { connect, createServer } from "node:net";

/** Delay of a chunk in milliseconds, at least and at most. */
const [SOONEST, LATEST] = [100, 200];
/** Probability of a stall per chunk, and its length in milliseconds. */
const STUCK = 0.02;
const STUCK_MILLIS = 400;

export class Line {
  /** Number of stalls, by direction. */
  stuck = { up: 0, down: 0 };
  #server;
  #sockets = new Set();
  #count = 0;
  #isHeld = false;
  #isCut = false;
  #delivers = new Set();

  /** Opens a proxy to that address; the same seed gives each connection the same faults. */
  static async open(address, seed) {
    const line = new Line();
    const { hostname, port } = new URL(address);
    line.#server = createServer({ allowHalfOpen: true }, (near) => {
      if (line.#isCut) return near.destroy();
      const far = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
      const number = line.#count++;
      line.#carry(near, far, "up", chance(seed + 2 * number));
      line.#carry(far, near, "down", chance(seed + 2 * number + 1));
    });
    await new Promise((resolve) => line.#server.listen(0, "127.0.0.1", resolve));
    line.address = `http://127.0.0.1:${line.#server.address().port}`;
    return line;
  }

  /** Holds everything sent to the server from now on. */
  hold() {
    this.#isHeld = true;
  }

  /** Sends what was held, all at once. */
  release() {
    this.#isHeld = false;
    for (const deliver of this.#delivers) deliver();
  }

  /** Breaks every connection, and refuses new ones until `mend`. */
  cut() {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend() {
    this.#isCut = false;
  }

  async close() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Passes chunks on, each when its delay has passed and never before an earlier one. */
  #carry(from, to, way, random) {
    this.#sockets.add(from);
    from.setNoDelay(true);
    const waiting = [];
    let last = 0;
    let timer;
    const deliver = () => {
      clearTimeout(timer);
      if (way === "up" && this.#isHeld) return;
      while (waiting[0]?.due <= performance.now()) waiting.shift().hand();
      if (waiting.length > 0) timer = setTimeout(deliver, waiting[0].due - performance.now());
    };
    this.#delivers.add(deliver);
    const later = (hand) => {
      const isStuck = random() < STUCK;
      if (isStuck) this.stuck[way]++;
      const late = SOONEST + random() * (LATEST - SOONEST) + (isStuck ? STUCK_MILLIS : 0);
      last = Math.max(last, performance.now() + late);
      waiting.push({ due: last, hand });
      if (waiting.length === 1) timer = setTimeout(deliver, last - performance.now());
    };
    from.on("data", (chunk) => later(() => to.writable && to.write(chunk)));
    from.on("end", () => later(() => to.end()));
    from.on("error", () => to.destroy());
    from.on("close", () => {
      this.#sockets.delete(from);
      this.#delivers.delete(deliver);
    });
  }
}

/**
 * Pseudo-random numbers from 0 to 1 by seed: mulberry32 by Tommy Ettinger, in the public domain.
 */
function chance(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
