/**
 * Near: the people in a conversation with this one: which of them are shown, in what words, and
 * when a conversation begins. Pure; `ui/near.tsx` shows it.
 */

/** A person who hears this one, or is heard. */
export interface Near {
  player: number;
  /** They are heard here. */
  hear: boolean;
  /** They hear this one. */
  heard: boolean;
  /** How loud they are heard, 0 to 1. */
  strength: number;
}

/** Steps of the strength, so that a tile is not drawn again for every step of a walk. */
const STEPS = 8;

/**
 * The people who are shown, at most so many, and how many more there are: the nearest, in the order
 * in which they came, so that tiles do not change their places.
 */
export function shownOf<T extends Near>(
  people: readonly T[],
  most: number,
): { shown: T[]; more: number } {
  const strongest = [...people].sort((one, other) => other.strength - one.strength);
  const kept = new Set(strongest.slice(0, most));
  return { shown: people.filter((person) => kept.has(person)), more: people.length - kept.size };
}

/** The strength in steps. */
export function stepped(strength: number): number {
  return Math.round(Math.min(1, Math.max(0, strength)) * STEPS) / STEPS;
}

/** Who hears this person, in words; `undefined` when no one does. */
export function whoHears(names: readonly string[]): string | undefined {
  const [first, second] = names;
  if (first === undefined) return undefined;
  if (second === undefined) return `${first} can hear you`;
  if (names.length === 2) return `${first} and ${second} can hear you`;
  return `${first} and ${names.length - 1} others can hear you`;
}

/** Milliseconds in which a person who comes back is no news. */
const AGAIN = 10_000;

/** Notices when a conversation begins, and when a person joins it. */
export class Meetings {
  /** When each person was last near. */
  readonly #seen = new Map<number, number>();

  /** What is new, now that these people are near. */
  look(near: Iterable<number>, now: number): "began" | "joined" | undefined {
    const isLong = ([, at]: [number, number]) => now - at >= AGAIN;
    for (const old of [...this.#seen].filter(isLong)) this.#seen.delete(old[0]);
    const wasAlone = this.#seen.size === 0;
    let isNews = false;
    for (const player of near) {
      isNews ||= !this.#seen.has(player);
      this.#seen.set(player, Number.POSITIVE_INFINITY);
    }
    const here = new Set(near);
    for (const [player, at] of this.#seen)
      if (!here.has(player) && at === Number.POSITIVE_INFINITY) this.#seen.set(player, now);
    if (!isNews) return undefined;
    return wasAlone ? "began" : "joined";
  }
}
