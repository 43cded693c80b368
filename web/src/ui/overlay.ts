/** Overlay: speech bubbles and emotes, as elements of the page that follow heads. */

import type { Overhead } from "../net/overhead";
import { EMOTES } from "../world/emotes";

interface Mark {
  element: HTMLElement;
  until: number;
  lift: number;
}

/** Milliseconds that the mark of a speaking player stays after they fell silent. */
const SPEAKING_MILLIS = 200;

type Head = (player: number) => { x: number; y: number } | undefined;

export class Overlay {
  readonly #speeches = new Map<number, Mark>();
  readonly #emotes = new Map<number, Mark>();
  readonly #speaking = new Map<number, Mark>();

  constructor(
    private readonly holder: HTMLElement,
    private readonly overhead: Overhead,
    private readonly speaking: () => ReadonlySet<number>,
  ) {}

  /** Puts everything where heads are now. */
  draw(now: number, head: Head): void {
    for (const [player, speech] of this.overhead.speeches) {
      const shown = this.#speeches.get(player);
      if (speech.until > now && shown?.until !== speech.until)
        this.#show(this.#speeches, player, speech.until, "speech", speech.text, 2);
    }
    for (const [player, shown] of this.#speeches) {
      if (!this.overhead.speeches.has(player)) shown.until = Number.NEGATIVE_INFINITY;
    }
    for (const [player, emote] of this.overhead.emotes) {
      const shown = this.#emotes.get(player);
      if (emote.until > now && shown?.until !== emote.until) {
        this.#show(this.#emotes, player, emote.until, "emote", EMOTES[emote.kind]?.sign ?? "", 6);
      }
    }
    for (const player of this.speaking()) {
      const shown = this.#speaking.get(player);
      if (shown) shown.until = now + SPEAKING_MILLIS;
      else this.#show(this.#speaking, player, now + SPEAKING_MILLIS, "speaks", "", 24);
    }
    place(this.#speaking, now, head, () => 0);
    place(this.#speeches, now, head, () => 0);
    // An emote stands over what its player says.
    place(
      this.#emotes,
      now,
      head,
      (player) => this.#speeches.get(player)?.element.offsetHeight ?? 0,
    );
  }

  #show(
    into: Map<number, Mark>,
    player: number,
    until: number,
    kind: string,
    text: string,
    lift: number,
  ): void {
    into.get(player)?.element.remove();
    const element = document.createElement("div");
    element.className = kind;
    element.dir = "auto";
    const inner = document.createElement("span");
    inner.textContent = text;
    element.append(inner);
    this.holder.append(element);
    into.set(player, { element, until, lift });
  }
}

function place(
  shown: Map<number, Mark>,
  now: number,
  head: Head,
  over: (player: number) => number,
): void {
  for (const [player, { element, until, lift }] of shown) {
    if (until <= now) {
      element.remove();
      shown.delete(player);
      continue;
    }
    const at = head(player);
    element.hidden = at === undefined;
    if (!at) continue;
    const y = Math.round(at.y - lift - over(player));
    element.style.transform = `translate(${Math.round(at.x)}px, ${y}px) translate(-50%, -100%)`;
  }
}
