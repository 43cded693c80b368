/**
 * Bubbles: conversation bubbles and asides: which there are, forming, joining and leaving one, and
 * who asks this person to talk in one.
 */

import { type Signal, signal } from "@preact/signals";
import type { BubbleC2s, BubbleS2c, BubbleState } from "./codec.gen";
import { type Asker, newest } from "./requests";

/** Actions on bubbles, as the server numbers them. */
const ACTION = {
  form: 0,
  aside: 1,
  join: 2,
  leave: 3,
  lock: 4,
  open: 5,
  accept: 6,
  decline: 7,
} as const;
/** Distance in tiles within which a bubble can be joined. */
const JOIN_WITHIN = 2;

/** What the bubbles need of the space. */
export interface BubblesPort {
  send(message: BubbleC2s): void;
  me(): number;
  nameOf(player: number): string;
  /** The distance to a player, in tiles. */
  distanceTo(player: number): number;
  notice(message: string): void;
  /** A player knocks at the own bubble. */
  knocked(player: number): void;
  /** A player asks to talk. */
  asked(): void;
  /** This person is in no bubble any more. */
  left(): void;
}

export class Bubbles {
  /** Conversation bubbles by number. */
  readonly all: Signal<ReadonlyMap<number, BubbleState>> = signal(new Map());
  /** Players who ask this one to talk in a bubble. */
  readonly askers: Signal<Asker[]> = signal([]);
  /** Whether this player left their bubble on purpose. */
  #hasLeft = false;

  constructor(private readonly port: BubblesPort) {}

  /** The bubble or the aside this person is in. */
  get mine(): BubbleState | undefined {
    const me = this.port.me();
    return [...this.all.value.values()].find(({ players }) => players.includes(me));
  }

  /** A bubble of others that this person stands next to. */
  near(): BubbleState | undefined {
    if (this.mine) return undefined;
    const isNear = (player: number) => this.port.distanceTo(player) <= JOIN_WITHIN;
    return [...this.all.value.values()].find(({ players }) => players.some(isNear));
  }

  /** Talks among those who stand near; aside, those outside are still heard softly. */
  gather(isAside: boolean): void {
    this.#act(isAside ? ACTION.aside : ACTION.form);
    this.port.notice("You asked those right next to you. It begins when one of them agrees.");
  }

  /** Steps into a bubble, or knocks at it. */
  join({ bubble, locked }: BubbleState): void {
    this.#act(ACTION.join, bubble);
    if (locked) this.port.notice("You knocked. A person in the bubble can let you in.");
  }

  leave(): void {
    this.#hasLeft = true;
    this.#act(ACTION.leave);
  }

  lock(locked: boolean): void {
    this.#act(locked ? ACTION.lock : ACTION.open);
  }

  /** Talks with a player who asked, or not. */
  answer(player: number, agrees: boolean): void {
    this.askers.value = this.askers.value.filter((asker) => asker.player !== player);
    this.#act(agrees ? ACTION.accept : ACTION.decline, player);
  }

  /** A connection opened; the server tells of all bubbles again. */
  begin(): void {
    this.askers.value = [];
    this.all.value = new Map();
  }

  /** Some players may have gone. */
  forget(isHere: (player: number) => boolean): void {
    if (this.askers.value.some(({ player }) => !isHere(player)))
      this.askers.value = this.askers.value.filter(({ player }) => isHere(player));
  }

  /** Takes a message of the server. */
  take(message: BubbleS2c): void {
    switch (message.type) {
      case "Changed":
        this.#change(message.full, message.bubbles);
        break;
      case "Knocked":
        this.port.knocked(message.player);
        break;
      case "Asked": {
        const { player, aside } = message;
        const asker = { player, aside, name: this.port.nameOf(player) };
        this.askers.value = newest(this.askers.value, asker);
        this.port.asked();
        break;
      }
      default:
        message satisfies never;
    }
  }

  /** The person is told when they join a bubble, and when others hear them again. */
  #change(full: boolean, changed: BubbleState[]): void {
    const before = this.mine;
    const bubbles = new Map(full ? [] : this.all.value);
    for (const entry of changed) {
      if (entry.players.length > 0) bubbles.set(entry.bubble, entry);
      else bubbles.delete(entry.bubble);
    }
    this.all.value = bubbles;
    const now = this.mine;
    if (now && now.bubble !== before?.bubble) this.port.notice(this.#welcomeTo(now));
    else if (before && !now) {
      if (!this.#hasLeft) {
        const left = before.aside ? "the aside" : "the bubble";
        this.port.notice(`You are no longer in ${left}: people near you hear you.`);
      }
      this.port.left();
    } else return;
    this.#hasLeft = false;
  }

  #welcomeTo({ players, aside }: BubbleState): string {
    const me = this.port.me();
    const names = players
      .filter((player) => player !== me)
      .map((player) => this.port.nameOf(player));
    const who = names.length > 3 ? `${names.length} people` : names.join(", ");
    return aside
      ? `You stand aside with ${who}. Others hear you only softly.`
      : `You are in a bubble with ${who}. No one else hears you.`;
  }

  #act(action: number, bubble = 0): void {
    this.port.send({ action, bubble });
  }
}
