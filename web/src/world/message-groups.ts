/** Message groups: which messages belong to one turn of a speaker, and where days begin. Pure. */

/** As much of a message as groups need. */
export interface Grouped {
  user: string;
  /** When it was sent, in Unix milliseconds. */
  at: number;
  /** Recipients: a message nearby does not continue one to everybody. */
  scope: number;
  replyTo: string | null;
}

/** Milliseconds after which the same speaker begins again. */
const PAUSE = 5 * 60_000;

/** Whether the message continues the one before: its name and face are not shown again. */
export function continues(before: Grouped | undefined, message: Grouped): boolean {
  return (
    before !== undefined &&
    before.user === message.user &&
    before.scope === message.scope &&
    message.replyTo === null &&
    message.at - before.at < PAUSE &&
    !beginsDay(before, message)
  );
}

/** Whether the message is the first of its day. */
export function beginsDay(
  before: Pick<Grouped, "at"> | undefined,
  { at }: { at: number },
): boolean {
  return before === undefined || dayOf(before.at) !== dayOf(at);
}

/** What a day is called, now. */
export function dayName(at: number, now: number): string {
  const day = new Date(at);
  const today = new Date(now);
  const yesterday = new Date(now);
  yesterday.setDate(today.getDate() - 1);
  if (dayOf(at) === today.toDateString()) return "Today";
  if (dayOf(at) === yesterday.toDateString()) return "Yesterday";
  const isThisYear = day.getFullYear() === today.getFullYear();
  return day.toLocaleDateString([], {
    weekday: "long",
    day: "numeric",
    month: "long",
    ...(!isThisYear && { year: "numeric" }),
  });
}

const dayOf = (at: number) => new Date(at).toDateString();
