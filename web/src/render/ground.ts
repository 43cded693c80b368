/**
 * Ground: tile layers, in chunks that are built once and shown only while they are in the window.
 */

import { Container, Sprite } from "pixi.js";
import { hasSameTiles, type Layer, type SpaceMap } from "../world/map";
import { type Art, TILE } from "./art";

/** Tiles along the side of a chunk. */
const CHUNK = 16;
const PLAIN = ["grass", "grass-soft"] as const;

interface Chunk {
  container: Container;
  left: number;
  top: number;
}

export class Ground {
  readonly below = new Container();
  readonly above = new Container();
  readonly #chunks: Chunk[] = [];

  readonly #shown: SpaceMap;

  constructor(map: SpaceMap, art: Art) {
    this.#shown = map;
    const layers = map.layers.length > 0 ? map.layers : [plainLayer(map)];
    const tiles = map.layers.length > 0 ? map.tiles : [...PLAIN];
    for (let top = 0; top < map.height; top += CHUNK) {
      for (let left = 0; left < map.width; left += CHUNK) {
        this.#build(
          map,
          art,
          tiles,
          layers.filter((layer) => !layer.above),
          this.below,
          left,
          top,
        );
        this.#build(
          map,
          art,
          tiles,
          layers.filter((layer) => layer.above),
          this.above,
          left,
          top,
        );
      }
    }
  }

  /** Whether a map looks like this. */
  shows(map: SpaceMap): boolean {
    return hasSameTiles(this.#shown, map);
  }

  /** Shows what touches the window, given in logical pixels. */
  cull(left: number, top: number, right: number, bottom: number): void {
    const side = CHUNK * TILE;
    for (const chunk of this.#chunks) {
      chunk.container.visible =
        chunk.left < right &&
        chunk.left + side > left &&
        chunk.top < bottom &&
        chunk.top + side > top;
    }
  }

  destroy(): void {
    this.below.destroy({ children: true });
    this.above.destroy({ children: true });
  }

  #build(
    map: SpaceMap,
    art: Art,
    tiles: string[],
    layers: Layer[],
    into: Container,
    left: number,
    top: number,
  ): void {
    // A render group keeps its draw instructions: a chunk costs nothing again until it is rebuilt.
    const container = new Container({ isRenderGroup: true });
    for (const layer of layers) {
      for (let y = top; y < Math.min(top + CHUNK, map.height); y++) {
        for (let x = left; x < Math.min(left + CHUNK, map.width); x++) {
          const name = tiles[(layer.data[y * map.width + x] ?? 0) - 1];
          const texture = name ? art.tile(name) : undefined;
          if (texture)
            container.addChild(
              new Sprite({ texture, x: x * TILE, y: y * TILE, width: TILE, height: TILE }),
            );
        }
      }
    }
    if (container.children.length === 0) {
      container.destroy();
      return;
    }
    into.addChild(container);
    this.#chunks.push({ container, left: left * TILE, top: top * TILE });
  }
}

/** A space without a map stands on a lawn. */
function plainLayer(map: SpaceMap): Layer {
  const data = Array.from({ length: map.width * map.height }, (_, index) => {
    const [x, y] = [index % map.width, Math.floor(index / map.width)];
    return ((x + y) % 2) + 1;
  });
  return { name: "ground", above: false, data };
}
