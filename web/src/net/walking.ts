/**
 * Walking: moves the own player at once, sends its steps, and makes up for steps that the server
 * does not know after a connection broke or the space restarted.
 */

import { openGrid } from "../world/grid";
import { SUBTILES, tileOf } from "../world/movement";
import { type Input, Prediction } from "../world/prediction";
import { AT_ONCE, Recent } from "../world/recent";
import type { ClientMessage, MovementC2s, Own, Welcome } from "./codec.gen";

/** Age in milliseconds up to which a walk that the server may not know is requested again. */
const WALK_AGAIN = 2000;
/** Local steps that are made up for at once. */
const MAKE_UP = 4;

interface Point {
  x: number;
  y: number;
}

/** What walking needs of the space. */
export interface WalkingPort {
  send(message: ClientMessage): boolean;
  isOpen(): boolean;
  /** Where another player was last seen, in sub-tiles. */
  whereIs(player: number): Point | undefined;
  /** The person goes somewhere by themselves, and no longer after another player. */
  choseWay(): void;
}

export class Walking {
  prediction: Prediction | undefined;
  /** The tile where the last walk goes, for the marker. */
  target: Point | undefined;

  #tickMillis = 50;
  #stepDue = 0;
  #direction = 0;
  #run = false;
  #wasHeld = false;
  readonly #recent = new Recent();
  /** Steps that are made up for: taken here already, still to be sent. */
  #owed: Input[] = [];
  /** The walk that was asked for last. */
  #asked: { seq: number; x: number; y: number; at: number } | undefined;
  /** The last own state that the server sent. */
  #own: Own | undefined;

  constructor(private readonly port: WalkingPort) {}

  /** The tile of the own player. */
  get tile(): Point | undefined {
    const body = this.prediction?.body;
    return body && { x: tileOf(body.x), y: tileOf(body.y) };
  }

  /** Whether an answer of the server is to come: to a step, or for as long as a walk goes on. */
  get isWaiting(): boolean {
    const { pending = 0, walking = false } = this.prediction ?? {};
    return pending > 0 || walking;
  }

  /** The distance to a player, in tiles. */
  distanceTo(player: number): number {
    const body = this.prediction?.body;
    const there = this.port.whereIs(player);
    return body && there
      ? Math.hypot(body.x - there.x, body.y - there.y) / SUBTILES
      : Number.POSITIVE_INFINITY;
  }

  /** The direction that is held now. */
  hold(direction: number, run: boolean): void {
    if (direction !== 0) this.port.choseWay();
    this.#direction = direction;
    this.#run = run;
  }

  /** Walks to a tile. */
  to(x: number, y: number): void {
    this.port.choseWay();
    const seq = this.prediction?.nextSeq();
    if (seq === undefined || !this.#send({ type: "WalkTo", seq, x, y })) return;
    this.#walk(seq);
    this.target = { x, y };
    this.#asked = { seq, x, y, at: performance.now() };
  }

  toPlayer(player: number): void {
    const seq = this.prediction?.nextSeq();
    if (seq === undefined || !this.#send({ type: "WalkToPlayer", seq, player })) return;
    this.#walk(seq);
    this.target = undefined;
  }

  /** Back to where people arrive. */
  home(): void {
    this.target = undefined;
    this.port.choseWay();
    this.#send({ type: "Home" });
  }

  /** No path leads to where the person wanted to go. */
  refuse(): void {
    this.target = undefined;
  }

  /**
   * A connection opened: takes the server's state, and makes up for the inputs that it does not
   * know. The server counts inputs from the start again.
   */
  begin({ own, width, height, tickRate }: Welcome): void {
    this.#tickMillis = 1000 / tickRate;
    const before = this.prediction;
    const now = performance.now();
    const prediction = new Prediction(own, before?.grid ?? openGrid(width, height), tickRate);
    const forgotten = before ? this.#recent.since(own, before.body, now) : [];
    const asked = this.#asked;
    this.prediction = prediction;
    this.target = undefined;
    this.#recent.clear();
    this.#owed = forgotten.map(({ input, at }) => {
      const { x, y } = prediction.body;
      const again = prediction.step(input.direction, input.run);
      this.#recent.add(again, { x, y }, at);
      return again;
    });
    prediction.rest();
    if (this.#owed.length > 0) this.#wasHeld = true;
    this.#sendOwed(AT_ONCE);
    const isUnheard =
      asked !== undefined && asked.seq > (this.#own?.ack ?? 0) && now - asked.at < WALK_AGAIN;
    if (isUnheard && before?.walking) this.to(asked.x, asked.y);
    this.#own = undefined;
  }

  /** Whether the own state is known, by news or from before. */
  knows(news: Own | null): boolean {
    return news !== null || this.#own !== undefined;
  }

  /** The space restarted with this own state, or with the last one: it may have lost some steps. */
  restart(news: Own | null, now: number): void {
    const own = news ?? this.#own;
    const prediction = this.prediction;
    if (!own || !prediction) return;
    if (own.ack >= (this.#own?.ack ?? 0)) {
      // Nothing that was answered is forgotten; what was on its way may be. The server takes each
      // number once.
      for (const input of prediction.since(own.ack)) this.port.send({ type: "Input", ...input });
      return;
    }
    const forgotten = this.#recent.since(own.state, prediction.body, now).map(({ input }) => input);
    if (forgotten.length === 0) return;
    prediction.expect(forgotten);
    this.#owed = forgotten;
    this.#sendOwed(AT_ONCE);
  }

  /** A frame came, with the own state if that changed. */
  hear(news: Own | null): void {
    this.#own = news ?? this.#own;
    if (this.#own) this.prediction?.reconcile(this.#own.state, this.#own.ack);
    if (!this.prediction?.walking) this.target = undefined;
  }

  /** Runs the local steps that are due; called before every drawn frame. */
  advance(now: number): void {
    const prediction = this.prediction;
    if (!prediction) return;
    // A page that was held up does not make up for more than the server would take from it.
    this.#stepDue = Math.max(this.#stepDue, now - (MAKE_UP - 1) * this.#tickMillis);
    while (now >= this.#stepDue) {
      this.#stepDue += this.#tickMillis;
      if (this.#owed.length > 0 || prediction.isFull) {
        this.#sendOwed(1);
        prediction.rest();
        continue;
      }
      const isHeld = this.#direction !== 0;
      if ((isHeld || this.#wasHeld) && this.port.isOpen()) {
        const { x, y } = prediction.body;
        const input = prediction.step(this.#direction, this.#run);
        this.#recent.add(input, { x, y }, performance.now());
        this.port.send({ type: "Input", ...input });
        if (isHeld) this.target = undefined;
      } else prediction.rest();
      this.#wasHeld = isHeld;
    }
  }

  /** How far into the current local step `now` is, 0 to 1. */
  partOfStep(now: number): number {
    return Math.min(1, Math.max(0, 1 - (this.#stepDue - now) / this.#tickMillis));
  }

  #send(value: MovementC2s): boolean {
    return this.port.send({ type: "Movement", value });
  }

  #walk(seq: number): void {
    this.prediction?.walk(seq);
    this.#recent.clear();
    this.#owed = [];
  }

  /** Sends steps that are made up for. */
  #sendOwed(count: number): void {
    if (!this.port.isOpen()) return;
    for (const input of this.#owed.splice(0, count)) this.port.send({ type: "Input", ...input });
  }
}
