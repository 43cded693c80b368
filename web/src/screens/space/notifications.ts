/**
 * Notifications: what the person is told of although they look elsewhere: mentions, direct messages
 * and newcomers nearby; nothing while they do not want to be disturbed.
 */

import { useEffect } from "preact/hooks";
import type { Card, ChatMessage, DirectMessage, Peer } from "../../net/codec.gen";
import type { Space } from "../../net/space";
import { Newcomers } from "../../ui/newcomers";
import { notify } from "../../ui/notify";
import { play } from "../../ui/sound";
import { mentions, plain } from "../../world/markdown";
import { Meetings } from "../../world/near";
import { STATUS } from "../../world/statuses";

/** What the notifications need. */
export interface NotificationsPort {
  me(): Pick<Card, "name" | "status"> | undefined;
  nameOf(player: number): string | undefined;
  spaceName(): string;
  /** Makes a sound that is louder than that of other messages. */
  ring(): void;
  /** Makes the sound of a conversation that begins, or that a person joins. */
  greet(what: "began" | "joined"): void;
  notify(what: string, words: string): void;
}

export class Notifications {
  readonly #newcomers = new Newcomers();
  readonly #meetings = new Meetings();

  constructor(private readonly port: NotificationsPort) {}

  /** A user wrote a direct message. */
  wrote({ name, text }: DirectMessage): void {
    this.#ring(`${name} wrote to you`, text);
  }

  /** A person said something here. */
  said({ name, text }: ChatMessage): void {
    if (mentions(text, this.port.me()?.name ?? ""))
      this.#ring(`${name} in ${this.port.spaceName()}`, text);
  }

  /** Those who hear and are heard are near. */
  look(peers: Iterable<Peer>, now: number): void {
    const near = [...peers].filter(({ hear, heard }) => hear && heard);
    const players = near.map(({ player }) => player);
    const met = this.#meetings.look(players, now);
    if (met && !this.#isBusy) this.port.greet(met);
    const news = this.#newcomers.look(players, now);
    const names = news.flatMap((player) => this.port.nameOf(player) ?? []);
    if (names.length === 0 || this.#isBusy) return;
    this.port.notify(
      names.length === 1 ? `${names[0]} is near you` : `${names.length} people are near you`,
      names.join(", "),
    );
  }

  get #isBusy(): boolean {
    return this.port.me()?.status === STATUS.doNotDisturb;
  }

  #ring(what: string, text: string): void {
    if (this.#isBusy) return;
    this.port.ring();
    this.port.notify(what, plain(text));
  }
}

/** Notifies while the screen is there. */
export function useNotifications(space: Space): void {
  useEffect(() => {
    const notifications = new Notifications({
      me: () => space.people.mine,
      nameOf: (player) => space.people.card(player)?.name,
      spaceName: () => space.name.value,
      ring: () => play("mention"),
      greet: (what) => play(what === "began" ? "meet" : "joined"),
      notify,
    });
    space.direct.onMessage = (message) => notifications.wrote(message);
    space.onMessage = (message) => notifications.said(message);
    return space.calls.peers.subscribe((peers) =>
      notifications.look(peers.values(), performance.now()),
    );
  }, [space]);
}
