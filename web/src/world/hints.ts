/**
 * Hints: what a person who is in a space for the first time is told, one thing at a time. Each goes
 * when it was done once, or put away, and does not come back.
 */

export type Hint = "walk" | "talk";

const ORDER: readonly Hint[] = ["walk", "talk"];
const KEY = "plaza.hints";

/** The hint that is shown; nothing when everything was done. */
export function nextHint(done: ReadonlySet<Hint>): Hint | undefined {
  return ORDER.find((hint) => !done.has(hint));
}

/** What was done in this browser before. */
export function doneBefore(): Set<Hint> {
  const kept = localStorage.getItem(KEY)?.split(" ") ?? [];
  return new Set(ORDER.filter((hint) => kept.includes(hint)));
}

export function remember(done: ReadonlySet<Hint>): void {
  localStorage.setItem(KEY, [...done].join(" "));
}
