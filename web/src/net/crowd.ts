/**
 * Crowd: all players that the server shows, built from its frames, and where to draw them: a little
 * in the past, between two known positions.
 */

import { SUBTILES } from "../world/movement";
import type { Card, Cell, Frame } from "./codec.gen";

/** Tiles along the side of a cell. */
export const CELL_TILES = 16;
const CELL_SIDE = CELL_TILES * SUBTILES;
/** Positions remembered per player: at 20 Hz a good half second. */
const TRAIL = 12;
/** After this many ticks without news, a moving player counts as standing. */
const HOLD = 8;

export const MOTION = { standing: 0, walking: 1, running: 2 } as const;

interface Point {
  tick: number;
  x: number;
  y: number;
}

/** A player in view. */
export class Walker {
  cell: number;
  facing = 0;
  motion = 0;
  /** Oldest first. */
  readonly trail: Point[] = [];

  constructor(
    readonly player: number,
    cell: number,
  ) {
    this.cell = cell;
  }

  /** News: at that tick the player stood there. */
  put(tick: number, x: number, y: number, facing: number, motion: number): void {
    const last = this.trail.at(-1);
    if (last && tick <= last.tick) return;
    // A player who stood still set off one tick before the first news, not at the last news long
    // ago.
    const rested =
      last && tick - last.tick > 1 && (this.motion === MOTION.standing || tick - last.tick > HOLD);
    if (rested) this.#push(tick - 1, last.x, last.y);
    this.#push(tick, x, y);
    this.facing = facing;
    this.motion = motion;
  }

  /** Where the player was at a moment between ticks; written into `into`. */
  at(tick: number, into: { x: number; y: number; isMoving: boolean }): void {
    const trail = this.trail;
    let index = trail.length - 1;
    while (index > 0 && (trail[index]?.tick ?? 0) > tick) index--;
    const from = trail[index];
    const to = trail[index + 1];
    if (!from) return;
    if (!to || tick <= from.tick) {
      into.x = from.x;
      into.y = from.y;
      into.isMoving = this.motion !== MOTION.standing && tick - from.tick < HOLD;
      return;
    }
    const part = (tick - from.tick) / (to.tick - from.tick);
    into.x = from.x + (to.x - from.x) * part;
    into.y = from.y + (to.y - from.y) * part;
    into.isMoving = to.x !== from.x || to.y !== from.y;
  }

  #push(tick: number, x: number, y: number): void {
    // The oldest point is used again: nothing is allocated while people walk.
    const point = this.trail.length >= TRAIL ? this.trail.shift() : undefined;
    if (!point) {
      this.trail.push({ tick, x, y });
      return;
    }
    point.tick = tick;
    point.x = x;
    point.y = y;
    this.trail.push(point);
  }
}

/** The value with these low 8 bits that is nearest to `from`. */
function near(from: number, low: number): number {
  return from + (((low - from) << 24) >> 24);
}

const NO_CHANGE = { full: false, came: [], gone: [] };

export class Crowd {
  /** All players in the space, in view or not. */
  readonly cards = new Map<number, Card>();
  /** All players in view. */
  readonly walkers = new Map<number, Walker>();
  readonly #columns: number;
  #epoch = 0;
  #tick = 0;

  constructor(width: number) {
    this.#columns = Math.ceil(width / CELL_TILES);
  }

  /**
   * Applies a frame as `docs/replication.md` says; `false` for one that is not newer than the last.
   */
  apply(frame: Frame): boolean {
    const { epoch, tick } = frame.header;
    if (epoch < this.#epoch || (epoch === this.#epoch && tick <= this.#tick)) return false;
    if (epoch > this.#epoch) for (const walker of this.walkers.values()) walker.trail.length = 0;
    this.#epoch = epoch;
    this.#tick = tick;
    const { full, came, gone } = frame.roster ?? NO_CHANGE;
    if (full) {
      const here = new Set(came.map((card) => card.player));
      for (const player of this.cards.keys()) if (!here.has(player)) this.#forget(player);
    }
    for (const card of came) this.cards.set(card.player, card);
    for (const cell of frame.cells) this.#applyCell(cell, tick);
    for (const index of frame.dropped) {
      for (const walker of this.walkers.values())
        if (walker.cell === index) this.walkers.delete(walker.player);
    }
    for (const player of gone) this.#forget(player);
    return true;
  }

  #applyCell(cell: Cell, tick: number): void {
    const cornerX = (cell.index % this.#columns) * CELL_SIDE;
    const cornerY = Math.floor(cell.index / this.#columns) * CELL_SIDE;
    if (cell.full) {
      const listed = new Set<number>();
      let player = 0;
      for (const entry of cell.entries) {
        player += entry.gap;
        listed.add(player);
      }
      for (const walker of this.walkers.values()) {
        if (walker.cell === cell.index && !listed.has(walker.player))
          this.walkers.delete(walker.player);
      }
    }
    for (const player of cell.left)
      if (this.walkers.get(player)?.cell === cell.index) this.walkers.delete(player);
    let player = 0;
    for (const { gap, bits } of cell.entries) {
      player += gap;
      const packed = bits[0] | (bits[1] << 8) | (bits[2] << 16);
      let walker = this.walkers.get(player);
      if (!walker) {
        walker = new Walker(player, cell.index);
        this.walkers.set(player, walker);
      }
      walker.cell = cell.index;
      const x = cornerX + (packed & 0x3ff);
      const y = cornerY + ((packed >> 10) & 0x3ff);
      walker.put(tick, x, y, (packed >> 20) & 3, (packed >> 22) & 3);
    }
    player = 0;
    for (const { gap, low, turn } of cell.steps) {
      player += gap;
      const walker = this.walkers.get(player);
      const from = walker?.trail.at(-1);
      if (walker && from)
        walker.put(tick, near(from.x, low[0]), near(from.y, low[1]), turn & 3, turn >> 2);
    }
  }

  #forget(player: number): void {
    this.cards.delete(player);
    this.walkers.delete(player);
  }
}

/**
 * Milliseconds that others are drawn in the past at least, and at most however late frames come.
 */
const MIN_DELAY = 100;
const MAX_DELAY = 500;
/**
 * How much of the worst lateness is still believed one frame later: a bad moment counts for some
 * seconds.
 */
const FORGET = 0.985;
/**
 * The part of the way to a better delay that is gone with each frame, so that players do not seem
 * to hurry or stop.
 */
const ADAPT = 0.1;

/**
 * Clock: which tick to draw. Which tick it is at the server is guessed from when frames arrive: the
 * earliest arrivals count, they were delayed least. How far in the past to draw follows from how
 * late the others come.
 */
export class Clock {
  #start: number | undefined;
  #late = 0;
  #newest = 0;
  /** The latest tick that was drawn: no earlier one is drawn again. */
  #drawn = 0;
  /** Milliseconds that others are drawn in the past. */
  delay = MIN_DELAY;

  constructor(private readonly tickMillis: number) {}

  /** Milliseconds that frames came late lately, at worst. */
  get lateness(): number {
    return this.#late;
  }

  /** A frame of that tick arrived at that local time. */
  hear(tick: number, now: number): void {
    const start = now - tick * this.tickMillis;
    if (this.#start === undefined || Math.abs(start - this.#start) > 5000) {
      this.#start = start;
      this.#late = 0;
    } else if (start < this.#start) this.#start = start;
    // Drifts towards later arrivals, so that a slower path is noticed within seconds.
    else this.#start += (start - this.#start) * 0.01;
    this.#newest = tick;
    this.#late = Math.max(start - this.#start, this.#late * FORGET);
    const wanted = Math.min(MAX_DELAY, Math.max(MIN_DELAY, this.#late + this.tickMillis));
    this.delay += (wanted - this.delay) * ADAPT;
  }

  /**
   * The tick to draw at that local time. When the delay grows, time stands still for a moment but
   * does not run back.
   */
  tickAt(now: number): number {
    if (this.#start === undefined) return 0;
    const tick = Math.max((now - this.delay - this.#start) / this.tickMillis, this.#drawn);
    // Beyond the newest frame nothing was known, and so nothing was drawn.
    this.#drawn = Math.max(this.#drawn, Math.min(tick, this.#newest));
    return tick;
  }
}
