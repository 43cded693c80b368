/**
 * RedrawGuard: the numbers that a picture depends on. One that would look like the picture before is not
 * drawn, which spares batteries.
 */

export class RedrawGuard {
  readonly #numbers: number[] = [];
  #count = 0;
  #isNew = true;

  /** Numbers of the coming picture; those of every picture come in the same order. */
  note(...numbers: number[]): void {
    for (const number of numbers) {
      if (this.#numbers[this.#count] !== number) this.#isNew = true;
      this.#numbers[this.#count++] = number;
    }
  }

  /**
   * Whether the picture is unlike the one before. What is noted from here on belongs to the next.
   */
  take(): boolean {
    const isNew = this.#isNew || this.#count < this.#numbers.length;
    this.#numbers.length = this.#count;
    this.#count = 0;
    this.#isNew = false;
    return isNew;
  }

  /** The picture is gone: the next is drawn in any case. */
  forget(): void {
    this.#isNew = true;
  }
}
