/**
 * Conversation: the chat of one space, as screens see it: messages and their state, who is typing,
 * the rules, and older messages over HTTP. Signals update the screens.
 */

import { batch, signal } from "@preact/signals";
import { api, type ChatPage, type ChatRules } from "./api";
import type { ChatC2s, ChatMessage, ChatS2c, History } from "./codec.gen";
import { type Gap, MessageList, type ShownMessage } from "./message-list";

export const SPACE = 0;
export const NEARBY = 1;
export const ANNOUNCEMENT = 2;

/** Milliseconds between two reports of typing; the server forgets it after five seconds. */
const TYPING_EVERY = 3000;

/** Pages that are fetched automatically to fill a gap; more only when the person asks. */
const FILL_PAGES = 6;

/** What the conversation needs of its space. */
export interface Port {
  send(message: ChatC2s): boolean;
  me(): { player: number; user: string; name: string };
  /** Another message was said. */
  heard(message: ChatMessage): void;
  /** A message was deleted. */
  deleted(id: string): void;
  notice(message: string): void;
}

export class Conversation {
  readonly messages = signal<ShownMessage[]>([]);
  /** How many messages of others were heard, by scope. */
  readonly heard = signal<readonly [number, number]>([0, 0]);
  /** Player numbers of others who are typing. */
  readonly typing = signal<number[]>([]);
  /** `null` until the server has sent them. */
  readonly rules = signal<ChatRules | null>(null);
  /** Whether there are older messages to fetch. */
  readonly hasEarlier = signal(false);
  readonly isLookingBack = signal(false);
  /** Where messages are missing. */
  readonly gaps = signal<readonly Gap[]>([]);
  /** The announcement that is shown; `null` when it was closed. */
  readonly announcement = signal<ShownMessage | null>(null);

  /** An edit that was refused, so that its text can be changed and sent again. */
  readonly refusedEdit = signal<ShownMessage | null>(null);

  readonly #list = new MessageList();
  #lastEdit: ShownMessage | null = null;
  /**
   * The first number is random: to the server, a message that comes again under the same number is
   * the same one.
   */
  #chatId = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  #typedAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  /**
   * Whether the history of a new connection is still to come, and whether it is the first
   * connection.
   */
  #begins: "first" | "again" | null = null;
  /**
   * Whether the space remembers messages older than all known ones, and whether the server has
   * saved such.
   */
  #remembersMore = false;
  #keepsMore = false;
  #pagesLeft = 0;

  constructor(
    private readonly space: string,
    private readonly port: Port,
  ) {}

  /** Whether a message was sent and not answered yet. */
  get isWaiting(): boolean {
    return this.#list.isWaiting;
  }

  /** Says a message; it shows as waiting until the server has it. */
  say(text: string, scope = SPACE, replyTo: string | null = null): void {
    this.#chatId = (this.#chatId + 1) >>> 0;
    const clientId = this.#chatId;
    const now = Date.now();
    const rest = { scope, replyTo, edited: null, deleted: false, reactions: [], mac: [] };
    this.#list.say(
      { id: `mine-${clientId}`, clientId, ...this.port.me(), text, at: now, ...rest },
      now,
    );
    this.#typedAt = Number.NEGATIVE_INFINITY;
    this.sendDue();
    this.#show();
  }

  /** Sends a failed message once more. */
  sayAgain(clientId: number): void {
    this.#list.tryAgain(clientId, Date.now());
    this.sendDue();
    this.#show();
  }

  /** Sends another text in place of a message that was refused. */
  sayOtherwise(message: ShownMessage, text: string): void {
    if (message.clientId !== null) this.#list.takeBack(message.clientId);
    this.say(text, message.scope, message.replyTo);
  }

  /** Edits or deletes an own message. What the space no longer remembers is changed over HTTP. */
  async change(message: ShownMessage, text: string | null): Promise<void> {
    const { id } = message;
    this.#lastEdit = text === null ? null : { ...message, text };
    if (this.#list.isRecent(id)) {
      this.port.send(text === null ? { type: "Delete", id } : { type: "Edit", id, text });
      return;
    }
    try {
      if (text === null) await api.deleteMessage(this.space, id);
      else await api.editMessage(this.space, id, text);
      this.#list.change({ id, text, at: Date.now() });
      this.#show();
    } catch (error) {
      this.refusedEdit.value = this.#lastEdit;
      this.port.notice(reasonOf(error));
    }
  }

  /**
   * Whether the message can still be changed: the space remembers it, or the server saves
   * everything.
   */
  canChange(message: ShownMessage): boolean {
    return (
      message.scope !== NEARBY &&
      !message.deleted &&
      (this.rules.value?.kept === true || this.canReact(message))
    );
  }

  canReact(message: ShownMessage): boolean {
    return message.scope !== NEARBY && !message.deleted && this.#list.isRecent(message.id);
  }

  /** Shows a reaction, or takes it back. */
  react(message: ShownMessage, emoji: string): void {
    const { user } = this.port.me();
    const isOn = message.reactions.some(
      (kind) => kind.emoji === emoji && kind.users.includes(user),
    );
    this.port.send({ type: "React", id: message.id, emoji, on: !isOn });
  }

  /** The person is typing, or emptied the field. */
  type(isTyping: boolean): void {
    const now = performance.now();
    const isNews = isTyping ? now - this.#typedAt >= TYPING_EVERY : Number.isFinite(this.#typedAt);
    if (!isNews) return;
    this.#typedAt = isTyping ? now : Number.NEGATIVE_INFINITY;
    this.port.send({ type: "Typing", on: isTyping });
  }

  /** Fetches older messages. */
  async lookBack(): Promise<void> {
    const { oldest } = this.#list;
    if (this.isLookingBack.value || !this.hasEarlier.value) return;
    if (oldest && this.#remembersMore) {
      this.isLookingBack.value = this.port.send({ type: "Before", id: oldest.id });
      return;
    }
    this.isLookingBack.value = true;
    try {
      const page = await this.#saved(oldest?.id ?? "");
      batch(() => {
        if (this.#list.earlier(oldest?.id, page.messages)) this.#keepsMore = page.before !== null;
        this.#show();
      });
    } catch (error) {
      this.port.notice(reasonOf(error));
    }
    this.isLookingBack.value = false;
  }

  /**
   * The newest saved messages before that one. The messages of blocked people are left out, so that
   * a page may be empty although there are older ones.
   */
  async #saved(before: string): Promise<ChatPage> {
    let page = await api.chat(this.space, "", before);
    while (page.messages.length === 0 && page.before !== null)
      page = await api.chat(this.space, "", page.before);
    return page;
  }

  /** Fetches the messages that are missing before that one. */
  fill(before: string): void {
    this.#pagesLeft = FILL_PAGES;
    this.port.send({ type: "Before", id: before });
  }

  search(words: string, before = ""): Promise<ChatPage> {
    return api.chat(this.space, words, before);
  }

  /** Takes a message of the server. */
  take(message: ChatS2c): void {
    switch (message.type) {
      case "Message":
        this.#hear(message);
        break;
      case "Refused":
        this.#list.refuse(message.clientId, message.message);
        this.#show();
        break;
      case "Changed":
        if (message.text === null) this.port.deleted(message.id);
        this.#list.change(message);
        if (this.announcement.value?.id === message.id) {
          const { text } = message;
          this.announcement.value = text === null ? null : { ...this.announcement.value, text };
        }
        this.#show();
        break;
      case "Reacted":
        this.#list.react(message);
        this.#show();
        break;
      case "History":
        this.#remember(message);
        break;
      case "Typing": {
        const others = this.typing.value.filter((player) => player !== message.player);
        this.typing.value = message.on ? [...others, message.player] : others;
        break;
      }
      default:
        message satisfies never;
    }
  }

  /** Takes the code of a notice. */
  hear(code: string): void {
    if (code === "chat-cleared") this.#clear();
    if (code === "slow-mode") void this.#ask();
    if (code === "filtered") this.refusedEdit.value = this.#lastEdit;
  }

  /** A connection opened; its history follows. */
  begin(isFirst: boolean): void {
    this.#begins = isFirst ? "first" : "again";
    this.typing.value = [];
  }

  drop(): void {
    this.#list.drop(Date.now());
    this.isLookingBack.value = false;
    this.typing.value = [];
  }

  /** The process that ran the space may be gone, and with it messages that were sent to it. */
  doubt(): void {
    this.#list.doubt();
    this.typing.value = [];
    this.sendDue();
  }

  /** Sends the messages that are due. */
  sendDue(): void {
    for (const message of this.#list.due(Date.now())) this.port.send({ type: "Send", ...message });
  }

  /** Called a few times a second, for what depends on time alone. */
  poll(): void {
    this.sendDue();
    if (this.#list.expire(Date.now())) this.#show();
  }

  /** Fetches the rules, and whether older messages are saved. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const page = await this.#saved(this.#list.oldest?.id ?? "");
      batch(() => {
        this.rules.value = page.rules;
        this.#keepsMore = page.messages.length > 0;
        this.#show();
      });
    } catch {
      // The chat works without them; the next connection asks again.
    }
    this.#isAsking = false;
  }

  #clear(): void {
    batch(() => {
      this.#list.clear();
      this.#remembersMore = false;
      this.#keepsMore = false;
      this.announcement.value = null;
      this.#show();
    });
  }

  #show(): void {
    batch(() => {
      this.messages.value = this.#list.messages;
      this.gaps.value = this.#list.gaps.map((gap) => ({ ...gap }));
      this.hasEarlier.value = this.#remembersMore || this.#keepsMore;
    });
  }

  /** Takes the newest messages, or those before a message that was asked about. */
  #remember({ before, messages, more }: History): void {
    if (before === null) this.#catchUp(messages, more);
    else if (this.#list.gaps.some((gap) => gap.before === before)) {
      // While the rules are unknown, asking shows whether there are any.
      const mayBeKept = this.rules.value?.kept !== false;
      void this.#fillFrom(before, messages, more ? "memory" : mayBeKept ? "store" : "nowhere");
    } else {
      this.isLookingBack.value = false;
      if (!this.#list.earlier(before, messages)) return;
      this.#remembersMore = more;
      this.#show();
      // The space remembered none: they may be saved.
      if (messages.length === 0) void this.lookBack();
    }
  }

  #catchUp(messages: ChatMessage[], more: boolean): void {
    const { user } = this.port.me();
    const begins = this.#begins;
    this.#begins = null;
    const missed =
      begins === null ? this.#list.catchUp(messages) : this.#list.welcome(messages, Date.now());
    // On the first welcome nothing was missed.
    if (begins !== "first") this.#count(missed.filter((message) => message.user !== user));
    if (this.#list.oldest?.id === messages[0]?.id) this.#remembersMore = more;
    this.sendDue();
    this.#show();
    const gap = this.#list.gaps.findLast(({ isLost }) => !isLost);
    if (gap) this.fill(gap.before);
    void this.#ask();
  }

  /** Takes messages from before a gap's end, and fetches older ones from `next`. */
  async #fillFrom(
    before: string,
    messages: ChatMessage[],
    next: "memory" | "store" | "nowhere",
  ): Promise<void> {
    const fresh = this.#list.fill(before, messages, next === "nowhere");
    this.#count(fresh.filter((message) => message.user !== this.port.me().user));
    this.#show();
    const gap = this.#list.gaps.find(
      (gap) => gap.before === (messages[0]?.id ?? before) && !gap.isLost,
    );
    if (!gap || --this.#pagesLeft <= 0) return;
    if (next === "memory") {
      this.port.send({ type: "Before", id: gap.before });
      return;
    }
    try {
      const from = gap.before;
      const page = await this.#saved(from);
      await this.#fillFrom(from, page.messages, page.before === null ? "nowhere" : "store");
    } catch (error) {
      this.port.notice(reasonOf(error));
    }
  }

  #hear(message: ChatMessage): void {
    const oldest = this.#list.oldest?.id;
    const isNew = this.#list.hear(message);
    // Messages that made room for it can be fetched again.
    if (this.rules.value?.kept && oldest !== undefined && oldest !== this.#list.oldest?.id)
      this.#keepsMore = true;
    this.#show();
    if (!isNew) return;
    if (message.player !== null)
      this.typing.value = this.typing.value.filter((player) => player !== message.player);
    if (message.user !== this.port.me().user) this.#count([message]);
    if (message.scope === ANNOUNCEMENT)
      this.announcement.value = { ...message, isWaiting: false, refused: null };
    this.port.heard(message);
  }

  #count(messages: ChatMessage[]): void {
    const near = messages.filter((message) => message.scope === NEARBY).length;
    const [everywhere, nearby] = this.heard.value;
    this.heard.value = [everywhere + messages.length - near, nearby + near];
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
