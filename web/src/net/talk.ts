/**
 * Talk: what is said in one space, as screens see it: the lines and what becomes of them, who
 * types, the rules, and what was said earlier, over HTTP. Signals tell the screens.
 */

import { batch, signal } from "@preact/signals";
import { api, type ChatPage, type ChatRules } from "./api";
import { Chat, type Gap, type Line } from "./chat";
import type { ChatLine, ClientMessage, History, ServerMessage } from "./codec";

export const SPACE = 0;
export const NEARBY = 1;
export const ANNOUNCEMENT = 2;

/**
 * How often it is said that one goes on typing, in milliseconds; the server waits for five seconds.
 */
const TYPING_EVERY = 3000;

/** Pages that are fetched by themselves to fill a gap; the rest when the person asks for it. */
const FILL_PAGES = 6;

/** What the talk needs of its space. */
export interface Port {
  send(message: ClientMessage): boolean;
  me(): { player: number; user: string; name: string };
  /** Somebody said something new. */
  heard(line: ChatLine): void;
  notice(message: string): void;
}

export class Talk {
  readonly lines = signal<Line[]>([]);
  /** How many lines of others were heard, by scope. */
  readonly heard = signal<readonly [number, number]>([0, 0]);
  /** Numbers of the others who type. */
  readonly typing = signal<number[]>([]);
  /** Nothing until the server told. */
  readonly rules = signal<ChatRules | null>(null);
  /** Whether there is more to look back at. */
  readonly hasEarlier = signal(false);
  readonly isLookingBack = signal(false);
  /** Where lines are missing. */
  readonly gaps = signal<readonly Gap[]>([]);
  /** What everybody shall read; until it is put away. */
  readonly announcement = signal<Line | null>(null);

  readonly #chat = new Chat();
  /**
   * Begins anywhere: the server takes a line that comes again under the same number for the same
   * line.
   */
  #chatId = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  #typedAt = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  /**
   * Whether the connection is new and what was said lately is still to come; whether it is the
   * first one.
   */
  #begins: "first" | "again" | null = null;
  /** Whether the space remembers lines older than all that are known, and whether it keeps such. */
  #remembersMore = false;
  #keepsMore = false;
  #pagesLeft = 0;

  constructor(
    private readonly space: string,
    private readonly port: Port,
  ) {}

  /** Whether a line was sent and not answered yet. */
  get isWaiting(): boolean {
    return this.#chat.isWaiting;
  }

  /** Says a line; it shows as waiting until the server has it. */
  say(text: string, scope = SPACE, replyTo: string | null = null): void {
    this.#chatId = (this.#chatId + 1) >>> 0;
    const clientId = this.#chatId;
    const now = Date.now();
    const fresh = { scope, replyTo, edited: null, deleted: false, reactions: [] };
    this.#chat.say(
      { id: `mine-${clientId}`, clientId, ...this.port.me(), text, at: now, ...fresh },
      now,
    );
    this.#typedAt = Number.NEGATIVE_INFINITY;
    this.sendLines();
    this.#show();
  }

  /** Says a line that failed once more. */
  sayAgain(clientId: number): void {
    this.#chat.tryAgain(clientId, Date.now());
    this.sendLines();
    this.#show();
  }

  /**
   * Gives an own line other words, or none. What the space no longer remembers is changed where it
   * is kept.
   */
  async change(line: Line, text: string | null): Promise<void> {
    const { id } = line;
    if (this.#chat.isRecent(id)) {
      this.port.send(text === null ? { type: "ChatDelete", id } : { type: "ChatEdit", id, text });
      return;
    }
    try {
      if (text === null) await api.deleteLine(this.space, id);
      else await api.editLine(this.space, id, text);
      this.#chat.change({ id, text, at: Date.now() });
      this.#show();
    } catch (error) {
      this.port.notice(reasonOf(error));
    }
  }

  /** Whether the line can be changed still: the space remembers it, or keeps everything. */
  canChange(line: Line): boolean {
    return (
      line.scope !== NEARBY &&
      !line.deleted &&
      (this.rules.value?.kept === true || this.canReact(line))
    );
  }

  canReact(line: Line): boolean {
    return line.scope !== NEARBY && !line.deleted && this.#chat.isRecent(line.id);
  }

  /** Shows a reaction, or takes it back. */
  react(line: Line, emoji: string): void {
    const { user } = this.port.me();
    const isOn = line.reactions.some((kind) => kind.emoji === emoji && kind.users.includes(user));
    this.port.send({ type: "React", id: line.id, emoji, on: !isOn });
  }

  /** The person types, or emptied the field. */
  type(isTyping: boolean): void {
    const now = performance.now();
    const isNews = isTyping ? now - this.#typedAt >= TYPING_EVERY : Number.isFinite(this.#typedAt);
    if (!isNews) return;
    this.#typedAt = isTyping ? now : Number.NEGATIVE_INFINITY;
    this.port.send({ type: "Typing", on: isTyping });
  }

  /** Fetches what was said before everything that is shown. */
  async lookBack(): Promise<void> {
    const { oldest } = this.#chat;
    if (this.isLookingBack.value || !this.hasEarlier.value) return;
    if (oldest && this.#remembersMore) {
      this.isLookingBack.value = this.port.send({ type: "ChatBefore", id: oldest.id });
      return;
    }
    this.isLookingBack.value = true;
    try {
      const page = await api.chat(this.space, "", oldest?.id ?? "");
      batch(() => {
        if (this.#chat.earlier(oldest?.id, page.lines)) this.#keepsMore = page.before !== null;
        this.#show();
      });
    } catch (error) {
      this.port.notice(reasonOf(error));
    }
    this.isLookingBack.value = false;
  }

  /** Fetches what is missing before that line. */
  fill(before: string): void {
    this.#pagesLeft = FILL_PAGES;
    this.port.send({ type: "ChatBefore", id: before });
  }

  search(words: string, before = ""): Promise<ChatPage> {
    return api.chat(this.space, words, before);
  }

  /** A message that concerns the talk; `false` when it does not. */
  take(message: ServerMessage): boolean {
    switch (message.type) {
      case "Chat":
        this.#hear(message);
        return true;
      case "ChatRefused":
        this.#chat.refuse(message.clientId, message.message);
        this.#show();
        return true;
      case "ChatChanged":
        this.#chat.change(message);
        if (this.announcement.value?.id === message.id) {
          const { text } = message;
          this.announcement.value = text === null ? null : { ...this.announcement.value, text };
        }
        this.#show();
        return true;
      case "Reacted":
        this.#chat.react(message);
        this.#show();
        return true;
      case "History":
        this.#remember(message);
        return true;
      case "Typing": {
        const others = this.typing.value.filter((player) => player !== message.player);
        this.typing.value = message.on ? [...others, message.player] : others;
        return true;
      }
      case "Notice":
        if (message.code === "chat-cleared") this.#clear();
        if (message.code === "slow-mode" || message.code === "voices") void this.#ask();
        return false;
      default:
        return false;
    }
  }

  /** A connection stands; what was said lately follows. */
  begin(isFirst: boolean): void {
    this.#begins = isFirst ? "first" : "again";
    this.typing.value = [];
  }

  drop(): void {
    this.#chat.drop(Date.now());
    this.isLookingBack.value = false;
    this.typing.value = [];
  }

  /** Whoever ran the space may be gone, and with it what was on its way. */
  doubt(): void {
    this.#chat.doubt();
    this.typing.value = [];
    this.sendLines();
  }

  /** Sends the lines that are due. */
  sendLines(): void {
    for (const line of this.#chat.due(Date.now())) this.port.send({ type: "Chat", ...line });
  }

  /** What only time brings about. */
  look(): void {
    this.sendLines();
    if (this.#chat.expire(Date.now())) this.#show();
  }

  /** Asks for the rules, and whether there is more than the space remembers. */
  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      const page = await api.chat(this.space, "", this.#chat.oldest?.id ?? "");
      batch(() => {
        this.rules.value = page.rules;
        this.#keepsMore = page.lines.length > 0;
        this.#show();
      });
    } catch {
      // The chat goes on without; it is asked again with the next connection.
    }
    this.#isAsking = false;
  }

  #clear(): void {
    batch(() => {
      this.#chat.clear();
      this.#remembersMore = false;
      this.#keepsMore = false;
      this.announcement.value = null;
      this.#show();
    });
  }

  #show(): void {
    batch(() => {
      this.lines.value = this.#chat.lines;
      this.gaps.value = this.#chat.gaps.map((gap) => ({ ...gap }));
      this.hasEarlier.value = this.#remembersMore || this.#keepsMore;
    });
  }

  /** What was said lately, or before a line that was asked about. */
  #remember({ before, lines, more }: History): void {
    if (before === null) this.#catchUp(lines, more);
    else if (this.#chat.gaps.some((gap) => gap.before === before)) {
      // While the rules are not known, asking tells.
      const mayBeKept = this.rules.value?.kept !== false;
      void this.#fillFrom(before, lines, more ? "memory" : mayBeKept ? "store" : "nowhere");
    } else {
      this.isLookingBack.value = false;
      if (!this.#chat.earlier(before, lines)) return;
      this.#remembersMore = more;
      this.#show();
      // Nothing of it was remembered: it may be kept.
      if (lines.length === 0) void this.lookBack();
    }
  }

  #catchUp(lines: ChatLine[], more: boolean): void {
    const { user } = this.port.me();
    const begins = this.#begins;
    this.#begins = null;
    const missed =
      begins === null ? this.#chat.catchUp(lines) : this.#chat.welcome(lines, Date.now());
    // On the first welcome nothing was missed.
    if (begins !== "first") this.#count(missed.filter((line) => line.user !== user));
    if (this.#chat.oldest?.id === lines[0]?.id) this.#remembersMore = more;
    this.sendLines();
    this.#show();
    const gap = this.#chat.gaps.findLast(({ isLost }) => !isLost);
    if (gap) this.fill(gap.before);
    void this.#ask();
  }

  /**
   * What was said before a line that lines are missing before, and where to look for older ones.
   */
  async #fillFrom(
    before: string,
    lines: ChatLine[],
    next: "memory" | "store" | "nowhere",
  ): Promise<void> {
    const fresh = this.#chat.fill(before, lines, next === "nowhere");
    this.#count(fresh.filter((line) => line.user !== this.port.me().user));
    this.#show();
    const gap = this.#chat.gaps.find(
      (gap) => gap.before === (lines[0]?.id ?? before) && !gap.isLost,
    );
    if (!gap || --this.#pagesLeft <= 0) return;
    if (next === "memory") {
      this.port.send({ type: "ChatBefore", id: gap.before });
      return;
    }
    try {
      const from = gap.before;
      const page = await api.chat(this.space, "", from);
      await this.#fillFrom(from, page.lines, page.before === null ? "nowhere" : "store");
    } catch (error) {
      this.port.notice(reasonOf(error));
    }
  }

  #hear(line: ChatLine): void {
    const oldest = this.#chat.oldest?.id;
    const isNew = this.#chat.hear(line);
    // What made room for it can be looked back at.
    if (this.rules.value?.kept && oldest !== undefined && oldest !== this.#chat.oldest?.id)
      this.#keepsMore = true;
    this.#show();
    if (!isNew) return;
    if (line.player !== null)
      this.typing.value = this.typing.value.filter((player) => player !== line.player);
    if (line.user !== this.port.me().user) this.#count([line]);
    if (line.scope === ANNOUNCEMENT)
      this.announcement.value = { ...line, isWaiting: false, refused: null };
    this.port.heard(line);
  }

  #count(lines: ChatLine[]): void {
    const near = lines.filter((line) => line.scope === NEARBY).length;
    const [everywhere, nearby] = this.heard.value;
    this.heard.value = [everywhere + lines.length - near, nearby + near];
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
