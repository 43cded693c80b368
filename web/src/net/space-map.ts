/**
 * Space map: the map of the space, fetched over HTTP, and fetched again when the server says that
 * it changed.
 */

import { batch, type Signal, signal } from "@preact/signals";
import { type Grid, gridHash } from "../world/grid";
import { gridOf, type Placement, type SpaceMap } from "../world/map";
import { api } from "./api";
import type { ElementS2c, Welcome } from "./codec.gen";

/** Milliseconds after which a map that did not arrive is fetched again. */
const AGAIN = 2000;

/** What the map needs of the space. */
export interface SpaceMapPort {
  /** There is a new map, and this blocks movement there. */
  changed(grid: Grid): void;
  /** An object is gone. */
  removed(placement: Placement): void;
  notice(message: string): void;
}

export class MapCopy {
  current: SpaceMap | undefined;
  /** Rises with every change of the map. */
  readonly version = signal(0);
  /** What went wrong while fetching the map. */
  readonly failure: Signal<string | null> = signal(null);
  /** The newest version of the map that was heard of. */
  #heard = 0;
  #again: ReturnType<typeof setTimeout> | undefined;
  #gridHash = 0;
  #isWanted = false;
  #isFetching = false;

  constructor(
    private readonly space: string,
    private readonly port: SpaceMapPort,
  ) {}

  /** A connection opened: the space has this version of the map. */
  begin(welcome: Welcome): void {
    this.#gridHash = welcome.gridHash;
    this.#heard = 0;
    this.hear(welcome.mapVersion);
  }

  /** The space has this version of the map from now on. */
  hear(version: number): void {
    this.#heard = Math.max(this.#heard, version);
    if (this.current && this.current.version >= this.#heard && !this.failure.value) return;
    void this.#fetch();
  }

  /** Takes a message of the server. */
  take(message: ElementS2c): void {
    switch (message.type) {
      case "Placed":
      case "MapChanged":
        this.hear(message.mapVersion);
        break;
      case "Removed":
        this.#remove(message.id, message.mapVersion);
        break;
      default:
        message satisfies never;
    }
  }

  close(): void {
    clearTimeout(this.#again);
  }

  /** Fetches the map; changes that come during a fetch are fetched together, once more. */
  async #fetch(): Promise<void> {
    this.#isWanted = true;
    if (this.#isFetching) return;
    this.#isFetching = true;
    while (this.#isWanted) {
      this.#isWanted = false;
      try {
        this.#take(await api.spaceMap(this.space));
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (!this.current) this.failure.value = reason;
        else {
          // What is drawn would not be what blocks: it is asked for until it comes.
          this.port.notice(`The space changed, but its map did not arrive. ${reason}`);
          clearTimeout(this.#again);
          this.#again = setTimeout(() => this.hear(0), AGAIN);
        }
      }
    }
    this.#isFetching = false;
  }

  #take(map: SpaceMap): void {
    if (this.current && map.version < this.current.version) return;
    this.current = map;
    const grid = gridOf(map);
    this.port.changed(grid);
    if (gridHash(grid) !== this.#gridHash) console.info("the map changed since it was announced");
    batch(() => {
      this.failure.value = null;
      this.version.value++;
    });
  }

  #remove(id: string, version: number): void {
    const map = this.current;
    if (map && version <= map.version) return;
    const placement = map?.elements.find((placement) => placement.id === id);
    // On another version than the one before, something else changed too.
    if (!map || !placement || version !== map.version + 1) {
      this.hear(version);
      return;
    }
    this.#heard = Math.max(this.#heard, version);
    map.version = version;
    map.elements = map.elements.filter((other) => other !== placement);
    this.port.removed(placement);
    this.version.value++;
  }
}
