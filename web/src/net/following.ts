/**
 * Following: going after another player, through portals too; who follows this one, and who asks
 * this one to come along.
 */

import { type Signal, signal } from "@preact/signals";
import type { FollowC2s, Followed } from "./codec.gen";
import { newest, type Request } from "./requests";

/** Distance in tiles from which a follower walks on. */
const FOLLOW_FROM = 2;
/** Milliseconds that a followed player may take to arrive through a portal. */
const ARRIVES_WITHIN = 30_000;

/** The user who is followed to another space: the page opens a new connection there. */
let followedAway: { user: string; name: string; until: number; from: Following } | undefined;

/** What following needs of the space. */
export interface FollowingPort {
  send(message: FollowC2s): void;
  card(player: number): { user: string; name: string } | undefined;
  nameOf(player: number): string;
  /** The player of a user who is here. */
  playerOf(user: string): number | undefined;
  canWalk(): boolean;
  isWalking(): boolean;
  /** The distance to a player, in tiles. */
  distanceTo(player: number): number;
  walkToPlayer(player: number): void;
  /** Tells a player that this one walks up to them. */
  approach(player: number): void;
  notice(message: string): void;
}

export class Following {
  /** The player that this one follows. */
  readonly leader: Signal<number | null> = signal(null);
  /** Players who follow this one. */
  readonly followers: Signal<Request[]> = signal([]);
  /** Players who asked this one to come along. */
  readonly askers: Signal<Request[]> = signal([]);

  constructor(private readonly port: FollowingPort) {}

  /** Follows a player until told otherwise. */
  follow(player: number): void {
    this.#goAfter(player);
    this.port.walkToPlayer(player);
  }

  stop(): void {
    this.#goAfter(null);
  }

  /** Comes along with a player who asked, or not. */
  answer(player: number, isWelcome: boolean): void {
    this.askers.value = this.askers.value.filter((asker) => asker.player !== player);
    if (!isWelcome) return;
    this.port.approach(player);
    this.follow(player);
  }

  /** A player asks this one to come along. */
  hearAsker(player: number): void {
    this.askers.value = newest(this.askers.value, { player, name: this.port.nameOf(player) });
  }

  /** The server does not let this player follow. */
  refuse(): void {
    this.leader.value = null;
  }

  /** Takes a message of the server. */
  take({ player, on }: Followed): void {
    const others = this.followers.value.filter((follower) => follower.player !== player);
    const follower = { player, name: this.port.nameOf(player) };
    this.followers.value = on ? [...others, follower] : others;
  }

  /** A connection opened. Player numbers may mean other users now. */
  begin(): void {
    this.leader.value = null;
    this.askers.value = [];
    this.followers.value = [];
  }

  /** The restarted space knows no followers. */
  restart(): void {
    this.followers.value = [];
    if (this.leader.value !== null) this.port.send({ player: this.leader.value });
  }

  /** Some players may have gone. */
  forget(isHere: (player: number) => boolean): void {
    if (this.askers.value.some(({ player }) => !isHere(player)))
      this.askers.value = this.askers.value.filter(({ player }) => isHere(player));
  }

  /** Remembers the person who is followed, for the space that both go to. */
  goAway(now: number): void {
    const card = this.leader.value === null ? undefined : this.port.card(this.leader.value);
    const until = now + ARRIVES_WITHIN;
    followedAway = card && { user: card.user, name: card.name, until, from: this };
  }

  /** Called a few times a second, for what depends on time alone. */
  poll(now: number): void {
    this.#followAgain(now);
    this.#followOn();
  }

  /**
   * Goes on following someone who came here through the same portal. The space that was left may
   * still be polled until the page has closed it, and the leader's card is still there.
   */
  #followAgain(now: number): void {
    if (!followedAway || followedAway.from === this) return;
    const { user, name, until } = followedAway;
    const there = this.port.playerOf(user);
    if (there !== undefined && this.port.canWalk()) {
      followedAway = undefined;
      this.follow(there);
    } else if (now > until) {
      followedAway = undefined;
      this.port.notice(`${name} did not arrive here.`);
    }
  }

  /** Walks on when the followed player did. */
  #followOn(): void {
    const player = this.leader.value;
    if (player === null) return;
    if (!this.port.card(player)) {
      this.#goAfter(null);
      this.port.notice("The person you followed is no longer here.");
    } else if (!this.port.isWalking() && this.port.distanceTo(player) > FOLLOW_FROM)
      this.port.walkToPlayer(player);
  }

  /** Tells the server, so that the followed player sees it and portals take the follower along. */
  #goAfter(player: number | null): void {
    if (this.leader.value === player) return;
    this.leader.value = player;
    this.port.send({ player });
  }
}
