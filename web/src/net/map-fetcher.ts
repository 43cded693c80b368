/** Map fetcher: asks for the map of a space until the one that is drawn is the one that blocks. */

import type { SpaceMap } from "../world/map";

/** Milliseconds after which a map that did not arrive, or is too old, is fetched again. */
const AGAIN = 2000;

/** Where maps go. */
export interface MapTaker {
  /** Version of the map that is shown; `undefined` before the first. */
  version(): number | undefined;
  take(map: SpaceMap): void;
  failed(reason: string): void;
}

export class MapFetcher {
  /** The newest version that was heard of. */
  #heard = 0;
  #isWanted = false;
  #isFetching = false;
  #hasEnded = false;
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly fetch: () => Promise<SpaceMap>,
    private readonly taker: MapTaker,
  ) {}

  /** A connection was opened, and the space has this version. */
  begin(version: number): void {
    this.#heard = 0;
    this.hearOf(version);
  }

  /** The space has this version of the map from now on. */
  hearOf(version: number): void {
    this.#heard = Math.max(this.#heard, version);
    if (this.#isBehind()) void this.#run();
  }

  /** The person left the space. */
  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#again);
  }

  #isBehind(): boolean {
    const shown = this.taker.version();
    return shown === undefined || shown < this.#heard;
  }

  /** Fetches the map; changes that come during a fetch are fetched together, once more. */
  async #run(): Promise<void> {
    this.#isWanted = true;
    if (this.#isFetching) return;
    this.#isFetching = true;
    clearTimeout(this.#again);
    while (this.#isWanted) {
      this.#isWanted = false;
      try {
        this.taker.take(await this.fetch());
      } catch (error) {
        this.taker.failed(error instanceof Error ? error.message : String(error));
      }
    }
    this.#isFetching = false;
    if (!this.#hasEnded && this.#isBehind()) this.#again = setTimeout(() => this.hearOf(0), AGAIN);
  }
}
