/**
 * Unread: how many messages came that the person did not see, for each part of the chat, and up to
 * which one they have read.
 */

import { type Signal, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Conversation } from "../../net/conversation";
import type { Direct } from "../../net/direct";
import type { Tab } from "../../ui/chat";

/** What is counted. */
export interface Messages {
  conversation: Pick<Conversation, "heard" | "messages">;
  direct: Pick<Direct, "read" | "unread">;
}

export class Unread {
  /** Id of the newest message when the person looked away. */
  readonly readUpTo: Signal<string | null> = signal(null);
  readonly #counts = signal({ space: 0, nearby: 0 });

  constructor(
    private readonly messages: Messages,
    /** Whether the person sees that part of the chat now. */
    private readonly isSeen: (tab: Tab) => boolean,
  ) {}

  get counts(): Record<Tab, number> {
    return { ...this.#counts.value, direct: this.messages.direct.unread };
  }

  /** Counts what is heard, until the returned function is called. */
  watch(): () => void {
    const { heard } = this.messages.conversation;
    let counted = heard.peek();
    return heard.subscribe((now) => {
      const { space, nearby } = this.#counts.peek();
      this.#counts.value = {
        space: this.isSeen("space") ? 0 : space + now[0] - counted[0],
        nearby: this.isSeen("nearby") ? 0 : nearby + now[1] - counted[1],
      };
      counted = now;
    });
  }

  /** What is in front of the person counts as read. */
  see(tab: Tab): void {
    if (tab === "direct") this.messages.direct.read();
    else this.#counts.value = { ...this.#counts.peek(), [tab]: 0 };
  }

  /** The person looks away: the place is marked for when they come back. */
  markRead(): void {
    const messages = this.messages.conversation.messages.peek();
    this.readUpTo.value = messages.findLast(({ isWaiting }) => !isWaiting)?.id ?? null;
  }
}

/** Counts while the screen is there. A person who comes back to the page sees the open tab. */
export function useUnread(unread: Unread, openTab: () => Tab | null): void {
  useEffect(() => {
    const stop = unread.watch();
    const onVisible = () => {
      const tab = openTab();
      if (document.hidden) unread.markRead();
      else if (tab !== null) unread.see(tab);
    };
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      stop();
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [unread]);
}
