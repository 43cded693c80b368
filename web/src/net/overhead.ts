/** Overhead: what stands over heads for a moment: speech bubbles and emotes, by player. */

import { plain } from "../world/markdown";
import type { ChatMessage, Emote } from "./codec.gen";

/** How long words stay: longer ones longer. */
const SPEECH_MILLIS = 5000;
const MILLIS_EACH_CHARACTER = 40;
const LONGEST_MILLIS = 11_000;
/** More characters than four lines show. */
const MOST_CHARACTERS = 240;
const EMOTE_MILLIS = 2500;

export interface Speech {
  /** The id of the message that is shown. */
  message: string;
  text: string;
  until: number;
}

export interface ShownEmote {
  kind: number;
  since: number;
  until: number;
}

export class Overhead {
  readonly speeches = new Map<number, Speech>();
  readonly emotes = new Map<number, ShownEmote>();

  /** A message was said. */
  say({ id, player, text }: ChatMessage, now: number): void {
    if (player === null) return;
    const words = plain(text);
    const millis = Math.min(LONGEST_MILLIS, SPEECH_MILLIS + MILLIS_EACH_CHARACTER * words.length);
    const shown = words.slice(0, MOST_CHARACTERS);
    this.speeches.set(player, { message: id, text: shown, until: now + millis });
  }

  /** A deleted message disappears from over the head, too. */
  takeBack(id: string): void {
    for (const [player, speech] of this.speeches)
      if (speech.message === id) this.speeches.delete(player);
  }

  show({ player, kind }: Emote, now: number): void {
    this.emotes.set(player, { kind, since: now, until: now + EMOTE_MILLIS });
  }

  /** A connection opened: player numbers may mean other users now. */
  begin(): void {
    this.speeches.clear();
    this.emotes.clear();
  }
}
