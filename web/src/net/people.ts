/**
 * People: the players of the space: their cards, which of them is this person, where to draw them,
 * and whom the person has blocked.
 */

import { type Signal, signal } from "@preact/signals";
import type { Card, Frame, Welcome } from "./codec.gen";
import { Clock, Crowd, type Walker } from "./crowd";

/** What the people need of the space. */
export interface PeoplePort {
  block(user: string, blocked: boolean): void;
  /** Other players joined, or changed their cards. */
  came(): void;
}

export class People {
  /** Cards of all players here, the own one first. */
  readonly all: Signal<Card[]> = signal([]);
  /** Users that this person has blocked. */
  readonly blocked: Signal<ReadonlySet<string>> = signal(new Set());
  /** The own player. */
  me = 0;
  crowd = new Crowd(1);
  #clock = new Clock(50);
  #tickMillis = 50;

  constructor(private readonly port: PeoplePort) {}

  /** Milliseconds that frames come late, at worst, as measured. */
  get lateness(): number {
    return this.#clock.lateness;
  }

  /** Milliseconds that others are drawn in the past. */
  get delay(): number {
    return this.#clock.delay;
  }

  /** The own card, once it is known. */
  get mine(): Card | undefined {
    return this.card(this.me);
  }

  card(player: number): Card | undefined {
    return this.crowd.cards.get(player);
  }

  nameOf(player: number): string {
    return this.card(player)?.name ?? "A person";
  }

  /** The player of a user who is here. */
  playerOf(user: string): number | undefined {
    return [...this.crowd.cards.values()].find((card) => card.user === user)?.player;
  }

  /** Where a player was last seen, in sub-tiles. */
  whereIs(player: number): { x: number; y: number } | undefined {
    return this.walker(player)?.trail.at(-1);
  }

  /** A player in view. */
  walker(player: number): Walker | undefined {
    return this.crowd.walkers.get(player);
  }

  block(user: string, blocked: boolean): void {
    const all = new Set(this.blocked.value);
    if (blocked) all.add(user);
    else all.delete(user);
    this.blocked.value = all;
    this.port.block(user, blocked);
  }

  /** A connection opened; its first frame lists everyone. */
  begin({ player, width, tickRate }: Welcome): void {
    this.crowd = new Crowd(width);
    this.me = player;
    this.#tickMillis = 1000 / tickRate;
    this.restart();
  }

  /** The ticks of the space start again. */
  restart(): void {
    this.#clock = new Clock(this.#tickMillis);
  }

  /** Takes where people are; `false` when the frame is not newer than the last one. */
  apply(frame: Frame): boolean {
    return this.crowd.apply(frame);
  }

  /** A frame of that tick came, and is applied. */
  hear({ header, roster }: Frame, now: number): void {
    this.#clock.hear(header.tick, now);
    if (!roster) return;
    if (!roster.full && roster.came.some((card) => card.player !== this.me)) this.port.came();
    this.#list();
  }

  /** The tick at which others are drawn. */
  drawnTick(now: number): number {
    return this.#clock.tickAt(now);
  }

  #list(): void {
    const people = [...this.crowd.cards.values()];
    const isMe = ({ player }: Card) => Number(player === this.me);
    people.sort((a, b) => isMe(b) - isMe(a) || a.name.localeCompare(b.name));
    this.all.value = people;
  }
}
