/**
 * MessageList: the messages of a space in the server's order, and the own ones that are not
 * acknowledged yet. Plain state: the time comes from outside, and the caller sends what is due.
 */

import type { ChatChanged, ChatMessage, Reacted } from "./codec.gen";

/** The scope of messages that are never saved. */
const NEARBY = 1;

export interface ShownMessage extends ChatMessage {
  /** Not acknowledged by the server yet. */
  isWaiting: boolean;
  /** Why the server refused it; it can be sent again. */
  refused: string | null;
  /** The text that `mac` proves, if the message was edited or deleted since. */
  signed?: string;
}

/** What to send for a message. To the server, the same number is the same message. */
export interface Due {
  clientId: number;
  text: string;
  scope: number;
  replyTo: string | null;
}

/** An own message that waits, or has failed. */
interface Open {
  clientId: number;
  message: ShownMessage;
  /** Whether the server may have it. */
  wasSent: boolean;
  /** When it was sent last over this connection; `null` when it was not yet. */
  sentAt: number | null;
  /** Since when it waits without hope of an answer. */
  since: number;
  /** The newest message at the time it failed: it stays behind that one. */
  behind: string | null;
}

/** A gap: messages are missing between these two. */
export interface Gap {
  after: string;
  before: string;
  /** Whether they are not saved any more. */
  isLost: boolean;
}

/** Messages that are shown. */
const SHOWN = 200;
/** Messages that a space remembers; a few fewer, because others are on their way. */
const REMEMBERED = 45;
/** Milliseconds without a connection, or without an answer, after which a message has failed. */
export const FAIL_AFTER = 30_000;
/** Milliseconds after which an unacknowledged message is sent again over the same connection. */
export const RESEND_AFTER = 5000;
/**
 * Messages sent at once over a new connection, then one a second: the server takes ten in ten
 * seconds.
 */
export const BURST = 8;
const OFFLINE = "This was not sent: there is no connection.";
const SILENT = "This was not sent: the server did not answer.";

export class MessageList {
  #said: ShownMessage[] = [];
  #open: Open[] = [];
  #isOnline = false;
  #budget = 0;
  #budgetAt = 0;
  /** Messages that are shown: more after the person fetched older ones. */
  #limit = SHOWN;
  #gaps: Gap[] = [];

  /** Where messages are missing. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** The oldest message that the server can be asked about. */
  get oldest(): ShownMessage | undefined {
    return this.#said.find(({ scope }) => scope !== NEARBY);
  }

  /** What to show: what was said, failed messages where they failed, and at the end what waits. */
  get messages(): ShownMessage[] {
    const failed = this.#open.filter(({ message }) => !message.isWaiting);
    const waiting = this.#open.filter(({ message }) => message.isWaiting);
    const messagesOf = (open: Open[]) => open.map(({ message }) => message);
    if (failed.length === 0) return [...this.#said, ...messagesOf(waiting)];
    const behind = (id: string | null) => messagesOf(failed.filter((open) => open.behind === id));
    return [
      ...behind(null),
      ...this.#said.flatMap((message) => [message, ...behind(message.id)]),
      ...messagesOf(waiting),
    ];
  }

  /** Whether a message was sent and not answered yet. */
  get isWaiting(): boolean {
    return this.#open.some(({ message, sentAt }) => message.isWaiting && sentAt !== null);
  }

  /** Adds an own message; it waits until the server has it. */
  say(message: ChatMessage & { clientId: number }, now: number): void {
    const waiting = { ...message, isWaiting: true, refused: null };
    this.#open.push({
      clientId: message.clientId,
      message: waiting,
      wasSent: false,
      sentAt: null,
      since: now,
      behind: null,
    });
  }

  /** A message that failed waits again. */
  tryAgain(clientId: number, now: number): void {
    const open = this.#open.find((open) => open.clientId === clientId && !open.message.isWaiting);
    if (!open) return;
    this.#open = [...this.#open.filter((other) => other !== open), open];
    open.message = { ...open.message, isWaiting: true, refused: null, at: now };
    open.sentAt = null;
    open.since = now;
  }

  /** Removes an own message that failed. */
  takeBack(clientId: number): void {
    this.#open = this.#open.filter((open) => open.clientId !== clientId || open.message.isWaiting);
  }

  /** Takes a message that was said. `false` when it is known already. */
  hear(said: ChatMessage): boolean {
    const isNew = this.#said.every(({ id }) => id !== said.id);
    if (said.clientId !== null)
      this.#open = this.#open.filter(({ clientId }) => clientId !== said.clientId);
    else if (isNew) this.#settle(said);
    if (isNew) this.#set([...this.#said, shown(said)]);
    return isNew;
  }

  /** A message was edited or deleted. */
  change({ id, text, at }: ChatChanged): void {
    this.#said = this.#said.map((message) => {
      if (message.id !== id) return message;
      const before = { ...message, signed: message.signed ?? message.text };
      if (text === null) return { ...before, text: "", deleted: true, edited: null, reactions: [] };
      return { ...before, text, edited: at };
    });
  }

  /** A reaction was added to a message or removed. */
  react(reacted: Reacted): void {
    this.#said = this.#said.map((message) =>
      message.id === reacted.id ? withReaction(message, reacted) : message,
    );
  }

  /** Removes all messages that were said. */
  clear(): void {
    this.#said = [];
    this.#gaps = [];
    this.#open = this.#open.filter(({ message }) => message.isWaiting);
  }

  /**
   * Adds messages from before the oldest one, oldest first. `false` when that message is no longer
   * the oldest.
   */
  earlier(before: string | undefined, messages: ChatMessage[]): boolean {
    if (this.oldest?.id !== before) return false;
    this.#insert(messages, this.oldest);
    return true;
  }

  /**
   * Adds messages from before the end of a gap, oldest first. `isAll` when there are no older ones.
   * Returns those that are new.
   */
  fill(before: string, messages: ChatMessage[], isAll: boolean): ChatMessage[] {
    const gap = this.#gaps.find((gap) => gap.before === before);
    const next = this.#said.find(({ id }) => id === before);
    if (!gap || !next) return [];
    const fresh = this.#insert(messages, next);
    if (fresh.length < messages.length) this.#gaps = this.#gaps.filter((other) => other !== gap);
    else {
      gap.before = fresh[0]?.id ?? before;
      gap.isLost = isAll;
    }
    return fresh;
  }

  /** Whether the space still remembers the message, as far as is known. */
  isRecent(id: string): boolean {
    return this.#said.slice(-REMEMBERED).some((message) => message.id === id);
  }

  /** The server refused a message. */
  refuse(clientId: number, message: string): void {
    const open = this.#open.find((open) => open.clientId === clientId && open.message.isWaiting);
    if (open) this.#fail(open, message);
  }

  /** A connection opened with this history. Returns the messages that are new. */
  welcome(history: ChatMessage[], now: number): ChatMessage[] {
    this.expire(now);
    this.#isOnline = true;
    this.#budget = BURST;
    this.#budgetAt = now;
    const fresh = this.catchUp(history);
    for (const open of this.#open) open.sentAt = null;
    return fresh;
  }

  /** Takes the newest messages of the server. Returns those that are new. */
  catchUp(history: ChatMessage[]): ChatMessage[] {
    const fresh = history.filter((message) => this.#said.every(({ id }) => id !== message.id));
    const last = this.#said.findLast(({ scope }) => scope !== NEARBY);
    const [first] = history;
    // A history has no holes: where it meets no known message, messages may be missing.
    if (last && first && fresh.length === history.length) {
      this.#gaps.push({ after: last.id, before: first.id, isLost: false });
    }
    for (const message of fresh) this.#settle(message);
    this.#set(merge(this.#said, history));
    return fresh;
  }

  /** The connection broke. */
  drop(now: number): void {
    if (!this.#isOnline) return;
    this.#isOnline = false;
    for (const open of this.#open) {
      open.sentAt = null;
      open.since = now;
    }
  }

  /** Sends everything unacknowledged again: the process that ran the space may be gone. */
  doubt(): void {
    for (const open of this.#open) open.sentAt = null;
  }

  /** The messages to send now, in order; they count as sent. */
  due(now: number): Due[] {
    if (!this.#isOnline) return [];
    this.#budget = Math.min(BURST, this.#budget + (now - this.#budgetAt) / 1000);
    this.#budgetAt = now;
    const due: Due[] = [];
    for (const open of this.#open) {
      if (!open.message.isWaiting || (open.sentAt !== null && now - open.sentAt < RESEND_AFTER))
        continue;
      if (this.#budget < 1) break;
      this.#budget--;
      // An answer may be expected from the first sending over this connection on.
      if (open.sentAt === null) open.since = Math.max(open.since, now);
      open.sentAt = now;
      open.wasSent = true;
      const { text, scope, replyTo } = open.message;
      due.push({ clientId: open.clientId, text, scope, replyTo });
    }
    return due;
  }

  /** Fails messages that waited too long. `false` when there were none. */
  expire(now: number): boolean {
    const isHopeless = (open: Open) =>
      open.message.isWaiting &&
      now - open.since >= FAIL_AFTER &&
      (!this.#isOnline || open.sentAt !== null);
    const hopeless = this.#open.filter(isHopeless);
    for (const open of hopeless) this.#fail(open, this.#isOnline ? SILENT : OFFLINE);
    return hopeless.length > 0;
  }

  /**
   * A message without its number is the first own one with the same text that the server may have.
   */
  #settle(said: ChatMessage): void {
    const isIt = ({ wasSent, message }: Open) =>
      wasSent && message.user === said.user && message.text === said.text;
    const settled = this.#open.find(isIt);
    if (settled) this.#open = this.#open.filter((open) => open !== settled);
  }

  #fail(open: Open, why: string): void {
    open.message = { ...open.message, isWaiting: false, refused: why };
    open.behind = this.#said.at(-1)?.id ?? null;
  }

  /**
   * Adds messages from right before `next`. Returns those that are new; known ones may be newer
   * than the fetched ones.
   */
  #insert(messages: ChatMessage[], next: ShownMessage | undefined): ChatMessage[] {
    const known = new Map(this.#said.map((message) => [message.id, message]));
    const fresh = messages.filter(({ id }) => !known.has(id));
    this.#limit += fresh.length;
    const stretch = messages.map((message) => known.get(message.id) ?? message);
    this.#said = merge(this.#said, next ? [...stretch, next] : stretch);
    return fresh;
  }

  /** Failed messages go with the message behind which they stand. */
  #set(said: ShownMessage[]): void {
    const gone = new Set(said.slice(0, -this.#limit).map(({ id }) => id));
    this.#said = said.slice(-this.#limit);
    if (gone.size > 0) {
      this.#gaps = this.#gaps.filter(({ before }) => !gone.has(before));
      this.#open = this.#open.filter(
        ({ message, behind }) => message.isWaiting || !gone.has(behind ?? ""),
      );
    }
  }
}

/**
 * Merges the known messages and a stretch of the server's, each once, in the server's order. The
 * stretch has no holes, so each of its messages stands right behind the one before it, and what is
 * new before the first known one stands right before that. Times say nothing: each process has its
 * own clock.
 */
export function merge(known: ShownMessage[], stretch: ChatMessage[]): ShownMessage[] {
  const merged = [...known];
  const ids = new Set(stretch.map(({ id }) => id));
  const meets = merged.findIndex(({ id }) => ids.has(id));
  let place = meets < 0 ? merged.length : meets;
  for (const message of stretch) {
    const index = merged.findIndex(({ id }) => id === message.id);
    const known = merged[index];
    if (!known) {
      merged.splice(place++, 0, shown(message));
      continue;
    }
    // It may have changed since then.
    const now = { ...shown(message), player: known.player, clientId: known.clientId };
    merged.splice(index, 1);
    // One that stood too early goes to its place; one that stands further on stays there, with what
    // only this browser knows before it.
    place = index < place ? place - 1 : index;
    merged.splice(place++, 0, now);
  }
  return merged;
}

function withReaction(message: ShownMessage, { user, emoji, on }: Reacted): ShownMessage {
  const kind = message.reactions.find((kind) => kind.emoji === emoji);
  const users = [...(kind?.users.filter((other) => other !== user) ?? []), ...(on ? [user] : [])];
  // A user who takes back what they were not named with was among the others.
  const wasNamed = kind?.users.includes(user) ?? false;
  const more = Math.max(0, (kind?.more ?? 0) - (on || wasNamed ? 0 : 1));
  const changed = kind
    ? message.reactions.map((other) => (other === kind ? { emoji, users, more } : other))
    : [...message.reactions, { emoji, users, more }];
  return { ...message, reactions: changed.filter(({ users, more }) => users.length + more > 0) };
}

function shown(message: ChatMessage): ShownMessage {
  return { ...message, isWaiting: false, refused: null };
}
