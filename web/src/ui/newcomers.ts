/** Newcomers: who came near since one last looked. Pure: the time comes from outside. */

/** Milliseconds in which a player who comes near again is not reported again. */
const AGAIN = 5 * 60_000;

export class Newcomers {
  #near: ReadonlySet<number> = new Set();
  readonly #told = new Map<number, number>();

  /** Players who are near now, were not before, and were not reported lately. */
  look(near: Iterable<number>, now: number): number[] {
    const before = this.#near;
    this.#near = new Set(near);
    const news = [...this.#near].filter((player) => {
      const told = this.#told.get(player);
      return !before.has(player) && (told === undefined || now - told >= AGAIN);
    });
    for (const [player, told] of this.#told) if (now - told >= AGAIN) this.#told.delete(player);
    for (const player of news) this.#told.set(player, now);
    return news;
  }
}
