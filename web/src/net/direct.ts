/**
 * Direct: direct messages between this user and others. The server saves them. New ones are pushed
 * over the connection of the space; those that were missed are fetched with each new connection.
 */

import { batch, signal } from "@preact/signals";
import { api, type DirectConversation, type SavedDirectMessage } from "./api";
import type { DirectMessage } from "./codec.gen";
import { ApiError } from "./http";

/** A direct message, also one that is being sent or was refused. */
export interface ShownDirectMessage extends SavedDirectMessage {
  isWaiting: boolean;
  refused: string | null;
}

/** Milliseconds before each try of sending a message. */
const TRIES = [0, 1000, 3000, 8000];

export class Direct {
  readonly conversations = signal<DirectConversation[]>([]);
  /** The user whose conversation is open; `null` for the list. */
  readonly other = signal<{ id: string; name: string } | null>(null);
  /** Messages of the open conversation, oldest first. */
  readonly messages = signal<ShownDirectMessage[]>([]);
  readonly hasEarlier = signal(false);
  readonly problem = signal<string | null>(null);
  /** Whether the person sees the open conversation. */
  isSeen: () => boolean = () => false;
  /** Another user wrote. */
  onMessage: (message: DirectMessage) => void = () => {};

  #before = "";
  #isAsking = false;

  constructor(private readonly me: () => string) {}

  /** The number of unread messages. */
  get unread(): number {
    return this.conversations.value.reduce((sum, { unread }) => sum + unread, 0);
  }

  /** Fetches the conversations after connecting, because a push may be lost. */
  async refresh(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    await this.#attempt(async () => {
      this.conversations.value = await api.conversations();
      const other = this.other.value;
      if (other) await this.#fetch(other.id, "");
    });
    this.#isAsking = false;
  }

  /** Opens the conversation with a user. */
  async open(id: string, name: string): Promise<void> {
    batch(() => {
      this.other.value = { id, name };
      this.messages.value = [];
      this.hasEarlier.value = false;
      this.problem.value = null;
    });
    await this.#attempt(() => this.#fetch(id, ""));
    this.read();
  }

  /** Back to the list. */
  close(): void {
    this.other.value = null;
    void this.refresh();
  }

  async lookBack(): Promise<void> {
    const other = this.other.value;
    if (other && this.hasEarlier.value)
      await this.#attempt(() => this.#fetch(other.id, this.#before));
  }

  /** Writes to the open conversation; the message shows as waiting until the server has it. */
  async write(text: string): Promise<void> {
    const other = this.other.value;
    if (!other) return;
    const clientId = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    const id = `mine-${clientId}`;
    const message = { id, from: this.me(), name: "", to: other.id, text, at: Date.now() };
    this.messages.value = [...this.messages.value, { ...message, isWaiting: true, refused: null }];
    let refused = "This was not sent.";
    for (const wait of TRIES) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      try {
        this.#take(await api.writeDirect(other.id, text, clientId), id);
        return;
      } catch (error) {
        refused = error instanceof Error ? error.message : String(error);
        // A refusal would be repeated; a message that did not arrive may be sent again.
        if (error instanceof ApiError && error.status !== 0 && error.status < 500) break;
      }
    }
    this.messages.value = this.messages.value.map((other) =>
      other.id === id ? { ...other, isWaiting: false, refused } : other,
    );
  }

  /** Removes a message that was not sent. */
  takeBack(id: string): void {
    this.messages.value = this.messages.value.filter((message) => message.id !== id);
  }

  /** A message was pushed: of another user, or of this one in another window. */
  hear(message: DirectMessage): void {
    const isMine = message.from === this.me();
    this.#take(message, isMine ? `mine-${message.clientId}` : "");
    if (isMine) return;
    this.onMessage(message);
    this.read();
  }

  /** The person looks: the messages that are shown count as read. */
  read(): void {
    const other = this.other.value;
    const newest = this.messages.value.findLast(({ from }) => from === other?.id);
    const unread = this.conversations.value.find(({ userId }) => userId === other?.id)?.unread ?? 0;
    if (!other || !newest || unread === 0 || !this.isSeen()) return;
    this.#count(other.id, () => 0);
    void this.#attempt(() => api.readDirect(other.id, newest.id));
  }

  /** Takes a message that the server has saved. */
  #take(message: SavedDirectMessage, waiting: string): void {
    const isMine = message.from === this.me();
    const otherId = isMine ? message.to : message.from;
    batch(() => {
      if (this.other.value?.id === otherId) {
        const rest = this.messages.value.filter(({ id }) => id !== message.id && id !== waiting);
        const shown = { ...message, isWaiting: false, refused: null };
        const known = rest.filter(({ isWaiting, refused }) => !isWaiting && refused === null);
        const open = rest.filter(({ isWaiting, refused }) => isWaiting || refused !== null);
        known.push(shown);
        known.sort((a, b) => (a.id < b.id ? -1 : 1));
        this.messages.value = [...known, ...open];
      }
      const before = this.conversations.value.find(({ userId }) => userId === otherId);
      if (before?.last.id === message.id) return;
      if (!before) {
        // A new correspondent: the server knows their picture.
        void this.refresh();
        return;
      }
      const changed = { ...before, last: message, unread: before.unread + (isMine ? 0 : 1) };
      this.conversations.value = [
        changed,
        ...this.conversations.value.filter((other) => other !== before),
      ];
    });
  }

  #count(id: string, count: (unread: number) => number): void {
    this.conversations.value = this.conversations.value.map((other) =>
      other.userId === id ? { ...other, unread: count(other.unread) } : other,
    );
  }

  async #fetch(id: string, before: string): Promise<void> {
    const page = await api.directs(id, before);
    // The person may have opened another conversation by now.
    if (this.other.value?.id !== id) return;
    const fetched = page.messages.map((message) => ({
      ...message,
      isWaiting: false,
      refused: null,
    }));
    const known = this.messages.value.filter(({ id }) => fetched.every((other) => other.id !== id));
    batch(() => {
      this.messages.value = before === "" ? merged(fetched, known) : [...fetched, ...known];
      if (before !== "" || this.#isFirstPage(known)) {
        this.#before = page.before ?? "";
        this.hasEarlier.value = page.before !== null;
      }
    });
    this.read();
  }

  #isFirstPage(known: ShownDirectMessage[]): boolean {
    return known.every(({ isWaiting, refused }) => isWaiting || refused !== null);
  }

  async #attempt(what: () => Promise<unknown>): Promise<void> {
    try {
      await what();
      this.problem.value = null;
    } catch (error) {
      this.problem.value = error instanceof Error ? error.message : String(error);
    }
  }
}

/** In the server's order; messages that are not saved stand at the end. */
function merged(fetched: ShownDirectMessage[], known: ShownDirectMessage[]): ShownDirectMessage[] {
  const isOpen = ({ isWaiting, refused }: ShownDirectMessage) => isWaiting || refused !== null;
  const settled = [...fetched, ...known.filter((message) => !isOpen(message))];
  settled.sort((a, b) => (a.id < b.id ? -1 : 1));
  return [...settled, ...known.filter(isOpen)];
}
