import { describe, expect, test } from "vitest";
import type { Grid } from "./grid";
import { step } from "./movement";
import { type Authority, type Input, Prediction } from "./prediction";

const grid: Grid = { width: 10, height: 10, blockers: new Uint16Array(100) };
for (let y = 0; y < 10; y++) grid.blockers[y * 10 + 6] = 1;

const start = (): Authority => ({
  x: 160,
  y: 160,
  carryX: 0,
  carryY: 0,
  facing: 0,
  walking: false,
});

/** A server that applies inputs some steps late. */
function serverAfter(inputs: Input[]): Authority {
  const body = start();
  for (const input of inputs) step(body, grid, input.direction, input.run, 20);
  return body;
}

describe("prediction", () => {
  test("is right when nothing unexpected happens, however late the answers are", () => {
    const prediction = new Prediction(start(), grid, 20);
    const sent: Input[] = [];
    for (let tick = 0; tick < 60; tick++) {
      sent.push(prediction.step(tick < 30 ? 3 : 5, tick % 7 === 0));
      if (tick >= 6)
        prediction.reconcile(serverAfter(sent.slice(0, tick - 5)), sent[tick - 6]?.seq ?? 0);
    }
    expect(prediction.corrections).toBe(0);
    const { walking: _, ...truth } = serverAfter(sent);
    expect(prediction.body).toEqual(truth);
  });

  test("takes the server's word and fades the difference", () => {
    const prediction = new Prediction(start(), grid, 20);
    prediction.step(3, false);
    prediction.reconcile({ ...start(), x: 150 }, 1);
    expect(prediction.body.x).toBe(150);
    expect(prediction.corrections).toBe(1);
    const shown = { x: 0, y: 0 };
    prediction.place(1, shown);
    expect(shown.x).toBeCloseTo(176);
    prediction.fade(1);
    prediction.place(1, shown);
    expect(shown.x).toBeCloseTo(150, 1);
  });

  test("does not slide across the map when the server moved the player far", () => {
    const prediction = new Prediction(start(), grid, 20);
    prediction.reconcile({ ...start(), x: 5000, y: 500 }, 0);
    const shown = { x: 0, y: 0 };
    prediction.place(0, shown);
    expect(shown).toEqual({ x: 5000, y: 500 });
    expect(prediction.jumps).toBe(1);
  });

  test("goes on counting after a reconnect", () => {
    const prediction = new Prediction(start(), grid, 20);
    prediction.reconcile(start(), 41);
    expect(prediction.nextSeq()).toBe(42);
  });

  test("a held direction ends a walk at once", () => {
    const prediction = new Prediction({ ...start(), walking: true }, grid, 20);
    prediction.step(1, false);
    expect(prediction.walking).toBe(false);
    prediction.reconcile({ ...start(), walking: true }, 0);
    expect(prediction.walking).toBe(false);
  });

  test("a walk lasts from being asked for until the server says that it is over", () => {
    const prediction = new Prediction(start(), grid, 20);
    const seq = prediction.nextSeq();
    prediction.walk(seq);
    prediction.reconcile(start(), 0);
    expect(prediction.walking, "this frame left before the walk was known").toBe(true);
    prediction.reconcile({ ...start(), walking: true }, seq);
    expect(prediction.walking).toBe(true);
    prediction.reconcile(start(), seq);
    expect(prediction.walking).toBe(false);
  });
});

/**
 * The server's queue of inputs, as `src/systems/steering.rs` has it: eight wait, four ticks may be
 * made up for.
 */
class Queue {
  readonly body = start();
  ack = 0;
  dropped = 0;
  #held: Input[] = [];
  #makeUp = 0;

  hold(input: Input): void {
    if (this.#held.length === 8) {
      this.ack = this.#held.shift()?.seq ?? this.ack;
      this.dropped++;
    }
    this.#held.push(input);
  }

  tick(ground: Grid): void {
    if (this.#held.length === 0) {
      this.#makeUp = Math.min(this.#makeUp + 1, 4);
      return;
    }
    if (this.#held.length > 1 && this.#makeUp > 0) {
      this.#makeUp--;
      this.#take(ground);
    }
    this.#take(ground);
  }

  #take(ground: Grid): void {
    const input = this.#held.shift();
    if (!input) return;
    step(this.body, ground, input.direction, input.run, 20);
    this.ack = input.seq;
  }
}

/**
 * A connection that keeps the order: what is put in comes out 100 to 200 ms later, or after it was
 * stuck.
 */
class DelayedLink<T> {
  readonly #waiting: { due: number; what: T }[] = [];
  #last = 0;

  constructor(
    private readonly random: () => number,
    private readonly stuck: number,
  ) {}

  put(now: number, what: T): void {
    const late = 100 + this.random() * 100 + (this.random() < this.stuck ? 400 : 0);
    this.#last = Math.max(this.#last, now + late);
    this.#waiting.push({ due: this.#last, what });
  }

  *take(now: number): Generator<T> {
    while ((this.#waiting[0]?.due ?? Number.POSITIVE_INFINITY) <= now) {
      const first = this.#waiting.shift();
      if (first) yield first.what;
    }
  }
}

/**
 * A player walks and runs about for two minutes, over a connection that is stuck from time to time.
 */
function walkAbout(stuck: number, picture: number) {
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
  const ground: Grid = { width: 12, height: 12, blockers: new Uint16Array(144) };
  const server = new Queue();
  const prediction = new Prediction(start(), ground, 20);
  const up = new DelayedLink<Input>(random, stuck);
  const down = new DelayedLink<{ own: Authority; ack: number }>(random, stuck);
  const shown = { x: 0, y: 0 };
  let leap = 0;
  let [direction, run] = [0, false];
  for (let now = 0; now < 124_000; now++) {
    for (const input of up.take(now)) server.hold(input);
    if (now % 50 === 7) {
      server.tick(ground);
      down.put(now, { own: { ...server.body }, ack: server.ack });
    }
    for (const { own, ack } of down.take(now)) prediction.reconcile(own, ack);
    if (now % 50 === 0) {
      if (random() < 0.1) [direction, run] = [Math.floor(random() * 9), random() < 0.7];
      if (now > 120_000) direction = 0;
      if (prediction.isFull || now > 121_000) prediction.rest();
      else up.put(now, prediction.step(direction, run));
    }
    if (now % picture !== 0) continue;
    const { x, y } = shown;
    prediction.fade(picture / 1000);
    prediction.place((now % 50) / 50, shown);
    if (now > 0) leap = Math.max(leap, Math.abs(shown.x - x), Math.abs(shown.y - y));
  }
  return { server, prediction, shown, leap };
}

describe("on a bad connection", () => {
  test("a connection that is late and uneven needs no correction", () => {
    const { server, prediction, leap } = walkAbout(0, 16);
    expect(server.dropped).toBe(0);
    expect(prediction.corrections).toBe(0);
    expect(leap).toBeLessThanOrEqual((512 * 16) / 1000 + 1);
  });

  test.each([10, 16, 50])(
    "what the server had to drop is taken back without a leap, at a picture every %i ms",
    (picture) => {
      const { server, prediction, shown, leap } = walkAbout(0.02, picture);
      expect(
        server.dropped,
        "the connection was stuck for longer than eight inputs wait",
      ).toBeGreaterThan(0);
      expect(prediction.corrections).toBeGreaterThan(0);
      expect(prediction.jumps).toBe(0);
      expect(leap, "half a tile more than running takes").toBeLessThanOrEqual(
        (512 * picture) / 1000 + 32,
      );
      const { walking: _, ...truth } = server.body;
      expect(prediction.body).toEqual(truth);
      expect([shown.x, shown.y].map(Math.round)).toEqual([truth.x, truth.y]);
    },
  );

  test("without an answer the player walks no farther than can be smoothed", () => {
    const open: Grid = { width: 100, height: 100, blockers: new Uint16Array(10_000) };
    const prediction = new Prediction(start(), open, 20);
    let last = 0;
    for (let tick = 0; tick < 200; tick++)
      if (!prediction.isFull) last = prediction.step(3, true).seq;
    expect(last).toBe(30);
    // The server had room for the last eight.
    const body = start();
    for (let kept = 0; kept < 8; kept++) step(body, open, 3, true, 20);
    prediction.reconcile(body, last);
    expect(prediction.corrections).toBe(1);
    expect(prediction.jumps).toBe(0);
  });
});
