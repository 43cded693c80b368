/**
 * Settings of the space: which players hear and see each other, and whether this user may change
 * that.
 */

import { signal } from "@preact/signals";
import { api, type ProximityRequest, type SpaceSettings } from "./api";

export class Settings {
  /** `null` until they are fetched. */
  readonly current = signal<SpaceSettings | null>(null);
  #isAsking = false;

  constructor(private readonly space: string) {}

  /** Changes what is named. */
  async change(request: ProximityRequest): Promise<void> {
    this.current.value = await api.changeSpaceSettings(this.space, request);
  }

  /** A connection opened. */
  begin(): void {
    void this.#ask();
  }

  /** Takes the code of a notice. */
  hear(code: string): void {
    if (code === "voices") void this.#ask();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      this.current.value = await api.spaceSettings(this.space);
    } catch {
      // Calls work without them; the next connection asks again.
    }
    this.#isAsking = false;
  }
}
