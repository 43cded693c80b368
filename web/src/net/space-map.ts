/**
 * Space map: the map of the space, fetched over HTTP, and fetched again when the server says that
 * it changed.
 */

import { batch, type Signal, signal } from "@preact/signals";
import { type Grid, gridHash } from "../world/grid";
import { gridOf, type Placement, type SpaceMap } from "../world/map";
import { api } from "./api";
import type { ElementS2c, Welcome } from "./codec.gen";
import { MapFetcher } from "./map-fetcher";

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
  readonly #fetcher: MapFetcher;
  #gridHash = 0;

  constructor(
    space: string,
    private readonly port: SpaceMapPort,
  ) {
    this.#fetcher = new MapFetcher(() => api.spaceMap(space), {
      version: () => this.current?.version,
      take: (map) => this.#take(map),
      failed: (reason) => {
        if (this.current) port.notice(`The space changed, but its map did not arrive. ${reason}`);
        else this.failure.value = reason;
      },
    });
  }

  /** A connection opened: the space has this version of the map. */
  begin(welcome: Welcome): void {
    this.#gridHash = welcome.gridHash;
    this.#fetcher.begin(welcome.mapVersion);
  }

  /** The space has this version of the map from now on. */
  hear(version: number): void {
    this.#fetcher.hearOf(version);
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
    this.#fetcher.end();
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
    map.version = version;
    this.#fetcher.hearOf(version);
    map.elements = map.elements.filter((other) => other !== placement);
    this.port.removed(placement);
    this.version.value++;
  }
}
