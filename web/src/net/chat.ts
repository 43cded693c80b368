/**
 * Chat: what was said, in the server's order, and the own lines that nobody has acknowledged yet.
 * Plain state: the time comes from outside, and what is to be sent is handed out.
 */

import type { Change, ChatLine, Reacted } from "./codec";

/** The scope of lines that are not kept. */
const NEARBY = 1;

export interface Line extends ChatLine {
  /** Not said yet, as far as the server told. */
  isWaiting: boolean;
  /** Why it was not said; it may be tried again. */
  refused: string | null;
}

/**
 * What to send for a line: the same words under the same number are the same line to the server.
 */
export interface Due {
  clientId: number;
  text: string;
  scope: number;
  replyTo: string | null;
}

/** An own line that waits, or has failed. */
interface Open {
  clientId: number;
  line: Line;
  /** Whether the server may have it. */
  wasSent: boolean;
  /** When it was sent last over this connection; `null` when it was not yet. */
  sentAt: number | null;
  /** Since when nothing gives hope for it. */
  since: number;
  /** The newest line when it failed: there it stays. */
  behind: string | null;
}

/** Where lines are missing: said after the one line and before the other. */
export interface Gap {
  after: string;
  before: string;
  /** Whether they are not kept any more. */
  isLost: boolean;
}

/** Lines kept on the screen. */
const LINES = 200;
/** Lines that a space remembers; a few fewer, because others are on their way. */
const REMEMBERED = 45;
/** Milliseconds without a connection, or without an answer, after which a line has failed. */
export const PATIENCE = 30_000;
/**
 * Milliseconds after which a line that nobody acknowledged is sent again over the same connection.
 */
export const AGAIN = 5000;
/**
 * Lines sent at once over a new connection, then one a second: the server takes ten in ten seconds.
 */
export const BURST = 8;
const OFFLINE = "This was not sent: there is no connection.";
const SILENT = "This was not sent: the server did not answer.";

export class Chat {
  #said: Line[] = [];
  #open: Open[] = [];
  #isOnline = false;
  #allowed = 0;
  #allowedAt = 0;
  /** Lines kept: more when somebody looked back. */
  #room = LINES;
  #gaps: Gap[] = [];

  /** Where lines are missing. */
  get gaps(): readonly Gap[] {
    return this.#gaps;
  }

  /** The oldest line that the server can be asked about. */
  get oldest(): Line | undefined {
    return this.#said.find(({ scope }) => scope !== NEARBY);
  }

  /** What to show: what was said, failed lines where they failed, and at the end what waits. */
  get lines(): Line[] {
    const failed = this.#open.filter(({ line }) => !line.isWaiting);
    const waiting = this.#open.filter(({ line }) => line.isWaiting);
    const linesOf = (open: Open[]) => open.map(({ line }) => line);
    if (failed.length === 0) return [...this.#said, ...linesOf(waiting)];
    const behind = (id: string | null) => linesOf(failed.filter((open) => open.behind === id));
    return [
      ...behind(null),
      ...this.#said.flatMap((line) => [line, ...behind(line.id)]),
      ...linesOf(waiting),
    ];
  }

  /** Whether a line was sent and not answered yet. */
  get isWaiting(): boolean {
    return this.#open.some(({ line, sentAt }) => line.isWaiting && sentAt !== null);
  }

  /** Somebody at this browser says a line; it waits until the server has it. */
  say(line: ChatLine & { clientId: number }, now: number): void {
    const waiting = { ...line, isWaiting: true, refused: null };
    this.#open.push({
      clientId: line.clientId,
      line: waiting,
      wasSent: false,
      sentAt: null,
      since: now,
      behind: null,
    });
  }

  /** A line that failed waits again. */
  tryAgain(clientId: number, now: number): void {
    const open = this.#open.find((open) => open.clientId === clientId && !open.line.isWaiting);
    if (!open) return;
    this.#open = [...this.#open.filter((other) => other !== open), open];
    open.line = { ...open.line, isWaiting: true, refused: null, at: now };
    open.sentAt = null;
    open.since = now;
  }

  /** Somebody said that. `false` when it is known already. */
  hear(said: ChatLine): boolean {
    const isNew = this.#said.every(({ id }) => id !== said.id);
    if (said.clientId !== null)
      this.#open = this.#open.filter(({ clientId }) => clientId !== said.clientId);
    else if (isNew) this.#settle(said);
    if (isNew) this.#keep([...this.#said, shown(said)]);
    return isNew;
  }

  /** A line has other words, or none. */
  change({ id, text, at }: Change): void {
    this.#said = this.#said.map((line) => {
      if (line.id !== id) return line;
      if (text === null) return { ...line, text: "", deleted: true, edited: null, reactions: [] };
      return { ...line, text, edited: at };
    });
  }

  /** A line has one reaction more or less. */
  react(reacted: Reacted): void {
    this.#said = this.#said.map((line) =>
      line.id === reacted.id ? withReaction(line, reacted) : line,
    );
  }

  /** Everything that was said is gone. */
  clear(): void {
    this.#said = [];
    this.#gaps = [];
    this.#open = this.#open.filter(({ line }) => line.isWaiting);
  }

  /**
   * What was said before the oldest line, or at all when none is known, oldest first. `false` when
   * that line is the oldest no longer.
   */
  earlier(before: string | undefined, lines: ChatLine[]): boolean {
    if (this.oldest?.id !== before) return false;
    this.#insert(lines, this.oldest);
    return true;
  }

  /**
   * What was said before a line that lines are missing before, oldest first. `isAll` when there is
   * nothing older. Gives the lines that are new.
   */
  fill(before: string, lines: ChatLine[], isAll: boolean): ChatLine[] {
    const gap = this.#gaps.find((gap) => gap.before === before);
    const next = this.#said.find(({ id }) => id === before);
    if (!gap || !next) return [];
    const fresh = this.#insert(lines, next);
    if (fresh.length < lines.length) this.#gaps = this.#gaps.filter((other) => other !== gap);
    else {
      gap.before = fresh[0]?.id ?? before;
      gap.isLost = isAll;
    }
    return fresh;
  }

  /** Whether the space still remembers the line, as far as can be told. */
  isRecent(id: string): boolean {
    return this.#said.slice(-REMEMBERED).some((line) => line.id === id);
  }

  /** The server did not take a line. */
  refuse(clientId: number, message: string): void {
    const open = this.#open.find((open) => open.clientId === clientId && open.line.isWaiting);
    if (open) this.#fail(open, message);
  }

  /** A connection stands, and this is what was said lately. Gives the lines that are new. */
  welcome(history: ChatLine[], now: number): ChatLine[] {
    this.expire(now);
    this.#isOnline = true;
    this.#allowed = BURST;
    this.#allowedAt = now;
    const fresh = this.catchUp(history);
    for (const open of this.#open) open.sentAt = null;
    return fresh;
  }

  /** This is what was said lately. Gives the lines that are new. */
  catchUp(history: ChatLine[]): ChatLine[] {
    const fresh = history.filter((line) => this.#said.every(({ id }) => id !== line.id));
    const last = this.#said.findLast(({ scope }) => scope !== NEARBY);
    const [first] = history;
    // What is told has no holes: where it meets nothing that is known, lines may be missing.
    if (last && first && fresh.length === history.length) {
      this.#gaps.push({ after: last.id, before: first.id, isLost: false });
    }
    for (const line of fresh) this.#settle(line);
    this.#keep(merge(this.#said, history));
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

  /** Everything unacknowledged is to be sent again: whoever ran the space may be gone. */
  doubt(): void {
    for (const open of this.#open) open.sentAt = null;
  }

  /** What is to be sent now, in the order it was said; it counts as sent. */
  due(now: number): Due[] {
    if (!this.#isOnline) return [];
    this.#allowed = Math.min(BURST, this.#allowed + (now - this.#allowedAt) / 1000);
    this.#allowedAt = now;
    const due: Due[] = [];
    for (const open of this.#open) {
      if (!open.line.isWaiting || (open.sentAt !== null && now - open.sentAt < AGAIN)) continue;
      if (this.#allowed < 1) break;
      this.#allowed--;
      // From its first sending over this connection on, an answer may be expected.
      if (open.sentAt === null) open.since = Math.max(open.since, now);
      open.sentAt = now;
      open.wasSent = true;
      const { text, scope, replyTo } = open.line;
      due.push({ clientId: open.clientId, text, scope, replyTo });
    }
    return due;
  }

  /** Gives up lines that waited too long. `false` when there were none. */
  expire(now: number): boolean {
    const isHopeless = (open: Open) =>
      open.line.isWaiting &&
      now - open.since >= PATIENCE &&
      (!this.#isOnline || open.sentAt !== null);
    const hopeless = this.#open.filter(isHopeless);
    for (const open of hopeless) this.#fail(open, this.#isOnline ? SILENT : OFFLINE);
    return hopeless.length > 0;
  }

  /**
   * A line that comes without its number is the first own one with these words that the server may
   * have.
   */
  #settle(said: ChatLine): void {
    const isIt = ({ wasSent, line }: Open) =>
      wasSent && line.user === said.user && line.text === said.text;
    const settled = this.#open.find(isIt);
    if (settled) this.#open = this.#open.filter((open) => open !== settled);
  }

  #fail(open: Open, why: string): void {
    open.line = { ...open.line, isWaiting: false, refused: why };
    open.behind = this.#said.at(-1)?.id ?? null;
  }

  /**
   * Takes in what was said right before a line. Gives the lines that are new; what is known already
   * may be newer than what was fetched.
   */
  #insert(lines: ChatLine[], next: Line | undefined): ChatLine[] {
    const known = new Map(this.#said.map((line) => [line.id, line]));
    const fresh = lines.filter(({ id }) => !known.has(id));
    this.#room += fresh.length;
    const stretch = lines.map((line) => known.get(line.id) ?? line);
    this.#said = merge(this.#said, next ? [...stretch, next] : stretch);
    return fresh;
  }

  /** Failed lines go with the line they stand behind. */
  #keep(said: Line[]): void {
    const gone = new Set(said.slice(0, -this.#room).map(({ id }) => id));
    this.#said = said.slice(-this.#room);
    if (gone.size > 0) {
      this.#gaps = this.#gaps.filter(({ before }) => !gone.has(before));
      this.#open = this.#open.filter(
        ({ line, behind }) => line.isWaiting || !gone.has(behind ?? ""),
      );
    }
  }
}

/**
 * The known lines and a stretch of the server's, each once, in the server's order. The stretch has
 * no holes, so each of its lines stands right behind the one before it, and what is new before the
 * first known one stands right before that. Times say nothing: each process has a clock of its own.
 */
export function merge(known: Line[], stretch: ChatLine[]): Line[] {
  const merged = [...known];
  const ids = new Set(stretch.map(({ id }) => id));
  const meets = merged.findIndex(({ id }) => ids.has(id));
  let place = meets < 0 ? merged.length : meets;
  for (const line of stretch) {
    const index = merged.findIndex(({ id }) => id === line.id);
    const known = merged[index];
    if (!known) {
      merged.splice(place++, 0, shown(line));
      continue;
    }
    // It may have changed since then.
    const now = { ...shown(line), player: known.player, clientId: known.clientId };
    merged.splice(index, 1);
    // One that stood too early goes to its place; one that stands further on stays there, with what
    // only this browser knows before it.
    place = index < place ? place - 1 : index;
    merged.splice(place++, 0, now);
  }
  return merged;
}

function withReaction(line: Line, { user, emoji, on }: Reacted): Line {
  const kind = line.reactions.find((kind) => kind.emoji === emoji);
  const users = [...(kind?.users.filter((other) => other !== user) ?? []), ...(on ? [user] : [])];
  // A user who takes back what they were not named with was among the others.
  const wasNamed = kind?.users.includes(user) ?? false;
  const more = Math.max(0, (kind?.more ?? 0) - (on || wasNamed ? 0 : 1));
  const changed = kind
    ? line.reactions.map((other) => (other === kind ? { emoji, users, more } : other))
    : [...line.reactions, { emoji, users, more }];
  return { ...line, reactions: changed.filter(({ users, more }) => users.length + more > 0) };
}

function shown(line: ChatLine): Line {
  return { ...line, isWaiting: false, refused: null };
}
