/**
 * Things: the elements of the map, flat ones on the ground and standing ones among the players.
 * Tall ones in front of a player become see-through, so that no one is lost behind a tree.
 */

import { Container, Graphics, type GraphicsContext, Sprite, type Texture } from "pixi.js";
import { groundLine, type Placement, type SpaceMap } from "../world/map";
import { type Art, TILE } from "./art";

/** Tiles that an element reaches above the ground at least, to hide a person. */
const TALL = 1.5;
/** The part of a picture's sides where crowns are thin. */
const THIN = 0.12;
const SEE_THROUGH = 0.4;

interface Thing {
  sprite: Sprite;
  left: number;
  top: number;
  right: number;
  bottom: number;
  /** Whether it can hide a player who is behind it. */
  isTall: boolean;
}

/** Players, by number: where their feet are drawn. */
export type Upright = ReadonlyMap<number, { x: number; y: number; sprite: Sprite }>;

export class Things {
  readonly flat = new Container({ isRenderGroup: true });
  readonly #all: Thing[] = [];
  /** How often something looked different. */
  changes = 0;

  constructor(
    private readonly art: Art,
    private readonly standing: Container,
  ) {}

  /** Draws the map's elements in place of the earlier ones. */
  async draw(map: SpaceMap): Promise<void> {
    const pictures = await Promise.all(
      map.elements.map(({ element }) => this.art.element(element.imageUrl)),
    );
    this.changes++;
    for (const { sprite } of this.#all.splice(0)) sprite.destroy();
    for (const child of this.flat.removeChildren()) child.destroy();
    map.elements.forEach((placement, index) => {
      const texture = pictures[index];
      const { element } = placement;
      const [x, y] = [placement.x * TILE, placement.y * TILE];
      const [width, height] = [element.width * TILE, element.height * TILE];
      if (!texture) {
        this.flat.addChild(missing(x, y, width, height));
        return;
      }
      const sprite = elementPicture(placement, texture);
      if (element.flat) {
        this.flat.addChild(sprite);
        return;
      }
      this.standing.addChild(sprite);
      const isTall = element.height - element.footprint.height >= TALL;
      this.#all.push({ sprite, left: x, top: y, right: x + width, bottom: y + height, isTall });
    });
  }

  /** Hides what does not touch the window, given in logical pixels. */
  cull(left: number, top: number, right: number, bottom: number): void {
    for (const thing of this.#all) {
      thing.sprite.visible =
        thing.left < right && thing.right > left && thing.top < bottom && thing.bottom > top;
    }
  }

  /** Makes what hides a player see-through; the rest becomes solid again. */
  uncover(people: Upright, seconds: number, isStill: boolean): void {
    for (const thing of this.#all) {
      if (!thing.isTall || !thing.sprite.visible) continue;
      const { sprite } = thing;
      const left = (hides(thing, people) ? SEE_THROUGH : 1) - sprite.alpha;
      if (left === 0) continue;
      sprite.alpha += isStill || Math.abs(left) < 0.01 ? left : left * (1 - Math.exp(-9 * seconds));
      this.changes++;
    }
  }

  /** How many things are see-through now. */
  get seeThrough(): number {
    return this.#all.filter(({ sprite }) => sprite.visible && sprite.alpha < 0.5).length;
  }

  destroy(): void {
    this.flat.destroy({ children: true });
  }
}

/** An element where it stands, in the order of what is in front of what. */
export function elementPicture(placement: Placement, texture: Texture): Sprite {
  const { element } = placement;
  const sprite = new Sprite({ texture, x: placement.x * TILE, y: placement.y * TILE });
  sprite.setSize(element.width * TILE, element.height * TILE);
  sprite.zIndex = groundLine(placement) * TILE - 4;
  return sprite;
}

/** Whether the thing is drawn over a player's head or chest. */
function hides(thing: Thing, people: Upright): boolean {
  const thin = (thing.right - thing.left) * THIN;
  const ground = thing.sprite.zIndex;
  for (const { x, y, sprite } of people.values()) {
    const isBehind =
      sprite.visible &&
      y < ground &&
      y - 12 > thing.top &&
      y - 48 < thing.bottom &&
      x + 8 > thing.left + thin &&
      x - 8 < thing.right - thin;
    if (isBehind) return true;
  }
  return false;
}

let missingContext: GraphicsContext | undefined;

/** A placeholder for a picture that cannot be shown. */
function missing(x: number, y: number, width: number, height: number): Graphics {
  const graphics = missingContext ? new Graphics(missingContext) : new Graphics();
  if (!missingContext) {
    graphics
      .roundRect(0, 0, TILE, TILE, 6)
      .fill({ color: 0x846a84, alpha: 0.35 })
      .stroke({ color: 0x56405a, width: 1 });
    missingContext = graphics.context;
  }
  graphics.position.set(x, y);
  graphics.scale.set(width / TILE, height / TILE);
  return graphics;
}
