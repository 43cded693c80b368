/** Overhead: what stands over heads for a moment: speech bubbles and emotes, by player. */

import { plain } from "../world/markdown";
import type { ChatMessage, Emote } from "./codec.gen";

const SPEECH_MILLIS = 6000;
const EMOTE_MILLIS = 2500;

export interface Speech {
  /** The id of the message that is shown. */
  message: string;
  text: string;
  until: number;
}

export class Overhead {
  readonly speeches = new Map<number, Speech>();
  readonly emotes = new Map<number, { kind: number; until: number }>();

  /** A message was said. */
  say({ id, player, text }: ChatMessage, now: number): void {
    if (player === null) return;
    this.speeches.set(player, { message: id, text: plain(text), until: now + SPEECH_MILLIS });
  }

  /** A deleted message disappears from over the head, too. */
  takeBack(id: string): void {
    for (const [player, speech] of this.speeches)
      if (speech.message === id) this.speeches.delete(player);
  }

  show({ player, kind }: Emote, now: number): void {
    this.emotes.set(player, { kind, until: now + EMOTE_MILLIS });
  }

  /** A connection opened: player numbers may mean other users now. */
  begin(): void {
    this.speeches.clear();
    this.emotes.clear();
  }
}
