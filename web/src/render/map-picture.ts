/** Map picture: the whole map small, drawn from the same art as the world, for the minimap. */

import { Container, Rectangle, type Renderer } from "pixi.js";
import type { SpaceMap } from "../world/map";
import { type Art, TILE } from "./art";
import { Ground } from "./ground";
import { elementPicture } from "./things";

/** Pixels along the longer side. */
const LONGEST = 1280;
/** Tiles of a map that is too large to be drawn at once. */
const MOST_TILES = 40_000;

/** Draws the map; `undefined` when it is too large. */
export async function mapPicture(
  renderer: Renderer,
  art: Art,
  map: SpaceMap,
): Promise<HTMLCanvasElement | undefined> {
  if (map.width * map.height > MOST_TILES) return undefined;
  const textures = await Promise.all(
    map.elements.map(({ element }) => art.element(element.imageUrl)),
  );
  if (!art.hasTiles(map.tiles)) await art.loadMore();
  const ground = new Ground(map, art);
  const flat = new Container();
  const standing = new Container({ sortableChildren: true });
  map.elements.forEach((placement, index) => {
    const texture = textures[index];
    if (!texture) return;
    (placement.element.flat ? flat : standing).addChild(elementPicture(placement, texture));
  });
  const scene = new Container();
  scene.addChild(ground.below, flat, standing, ground.above);
  const [width, height] = [map.width * TILE, map.height * TILE];
  const canvas = renderer.extract.canvas({
    target: scene,
    frame: new Rectangle(0, 0, width, height),
    resolution: Math.min(1, LONGEST / Math.max(width, height)),
    clearColor: "#35594c",
  });
  scene.destroy({ children: true });
  return canvas instanceof HTMLCanvasElement ? canvas : undefined;
}
