/**
 * RedrawGuard: the numbers that a drawn frame depends on. A frame that would look like the last one
 * is not drawn, which spares batteries.
 */

export class RedrawGuard {
  readonly #numbers: number[] = [];
  #count = 0;
  #isNew = true;

  /** Adds numbers of the coming frame; those of every frame come in the same order. */
  note(...numbers: number[]): void {
    for (const number of numbers) {
      if (this.#numbers[this.#count] !== number) this.#isNew = true;
      this.#numbers[this.#count++] = number;
    }
  }

  /**
   * Whether the frame differs from the last one. Numbers that are added after this belong to the
   * next.
   */
  take(): boolean {
    const isNew = this.#isNew || this.#count < this.#numbers.length;
    this.#numbers.length = this.#count;
    this.#count = 0;
    this.#isNew = false;
    return isNew;
  }

  /** The drawn frame is lost: the next is drawn in any case. */
  forget(): void {
    this.#isNew = true;
  }
}
