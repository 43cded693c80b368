/**
 * Prediction: the own player moves at once; what the server says later is the truth, and inputs it
 * has not applied yet are replayed on top of it.
 */

import { type Doors, noDoors } from "./doors";
import type { Grid } from "./grid";
import { type Body, SUBTILES, step } from "./movement";

export interface Input {
  seq: number;
  direction: number;
  run: boolean;
}

/** The exact state that the server sends when it changed. */
export interface Authority extends Body {
  walking: boolean;
}

/**
 * A difference beyond this many sub-tiles is a jump, not a correction: there is nothing to smooth.
 * A connection that is stuck for as long as inputs are made costs a runner less: `AHEAD`, without
 * the eight inputs that wait at the server.
 */
const JUMP = 10 * SUBTILES;
/** How fast a correction fades, per second: 95 % are gone after 0.2 s. */
const FADE = 15;
/**
 * Sub-tiles a second that a correction fades at most, as fast as players run, so that a corrected
 * player does not leap.
 */
const GLIDE = 512;
/**
 * Seconds that inputs are made without an answer. More would be dropped by the server, and taken
 * back here.
 */
const AHEAD = 1.5;

export class Prediction {
  /** Where the player will be when the server has applied every input. */
  readonly body: Body;
  /** Whether the server walks the player along a path. */
  walking: boolean;
  /** Corrections so far that could be seen. */
  corrections = 0;
  /** The largest of them, in sub-tiles. */
  largest = 0;
  /** Differences so far that were too large to smooth. */
  jumps = 0;
  /** What is closed to the player now. */
  doors: Doors = noDoors;
  #before: Body;
  #pending: Input[] = [];
  #seq = 0;
  /** The last walk asked for: until the server has applied it, its word on walking is old. */
  #walkSeq = 0;
  /** What is still to be smoothed away, in sub-tiles. */
  #offsetX = 0;
  #offsetY = 0;

  constructor(
    own: Authority,
    public grid: Grid,
    private readonly tickRate: number,
  ) {
    this.body = copy(own);
    this.#before = copy(own);
    this.walking = own.walking;
  }

  /** The next number for an input or a walk. */
  nextSeq(): number {
    return ++this.#seq;
  }

  /** Takes one step of a held direction; the input is to be sent. */
  step(direction: number, run: boolean): Input {
    const input = { seq: this.nextSeq(), direction, run };
    this.#before = copy(this.body);
    if (direction !== 0) {
      this.walking = false;
      this.#walkSeq = 0;
    }
    this.#pending.push(input);
    step(this.body, this.grid, direction, run, this.tickRate, this.doors);
    return input;
  }

  /** A tick without a held direction: the body stays. */
  rest(): void {
    this.#before = copy(this.body);
  }

  /** A walk was requested with that number: a held direction no longer counts. */
  walk(seq: number): void {
    this.walking = true;
    this.#walkSeq = seq;
  }

  /** These inputs, the last ones made, are still to be applied: a restarted space lost them. */
  expect(inputs: readonly Input[]): void {
    this.#pending = [...inputs];
  }

  /** Inputs behind that one that wait for an answer. */
  since(ack: number): Input[] {
    return this.#pending.filter((input) => input.seq > ack);
  }

  /** The server's word: the state after it applied every input up to `ack`. */
  reconcile(own: Authority, ack: number): void {
    const shownX = this.body.x + this.#offsetX;
    const shownY = this.body.y + this.#offsetY;
    if (ack > this.#seq) this.#seq = ack;
    this.#pending = this.#pending.filter((input) => input.seq > ack);
    const before = { x: this.body.x, y: this.body.y };
    assign(this.body, own);
    for (const input of this.#pending)
      step(this.body, this.grid, input.direction, input.run, this.tickRate, this.doors);
    const isAsked = this.#walkSeq > ack;
    this.walking =
      (own.walking || isAsked) && !this.#pending.some((input) => input.direction !== 0);
    const dx = this.body.x - before.x;
    const dy = this.body.y - before.y;
    if (dx === 0 && dy === 0) return;
    if (!this.walking) {
      this.corrections++;
      this.largest = Math.max(this.largest, Math.hypot(dx, dy));
    }
    this.#before.x += dx;
    this.#before.y += dy;
    if (Math.abs(dx) > JUMP || Math.abs(dy) > JUMP) {
      this.jumps++;
      this.#offsetX = 0;
      this.#offsetY = 0;
      this.#before = copy(this.body);
      return;
    }
    this.#offsetX = shownX - this.body.x;
    this.#offsetY = shownY - this.body.y;
  }

  /** Lets a correction fade for `seconds`. */
  fade(seconds: number): void {
    const offset = Math.hypot(this.#offsetX, this.#offsetY);
    if (offset === 0) return;
    const left = Math.max(Math.exp(-FADE * seconds), 1 - (GLIDE * seconds) / offset);
    this.#offsetX *= left;
    this.#offsetY *= left;
  }

  /** Where to draw the player, `part` of a tick after the last step; written into `into`. */
  place(part: number, into: { x: number; y: number }): void {
    into.x = this.#before.x + (this.body.x - this.#before.x) * part + this.#offsetX;
    into.y = this.#before.y + (this.body.y - this.#before.y) * part + this.#offsetY;
  }

  /** The last number given. */
  get seq(): number {
    return this.#seq;
  }

  /** Whether too many inputs wait for an answer to make another one. */
  get isFull(): boolean {
    return this.#pending.length >= AHEAD * this.tickRate;
  }

  /** Inputs the server has not applied yet. */
  get pending(): number {
    return this.#pending.length;
  }
}

function copy(body: Body): Body {
  return { x: body.x, y: body.y, carryX: body.carryX, carryY: body.carryY, facing: body.facing };
}

function assign(body: Body, own: Body): void {
  body.x = own.x;
  body.y = own.y;
  body.carryX = own.carryX;
  body.carryY = own.carryY;
  body.facing = own.facing;
}
