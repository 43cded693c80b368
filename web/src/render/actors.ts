/** Actors: players and standing elements, drawn in the order of where they touch the ground. */

import { Container, Graphics, type GraphicsContext, Sprite, type Texture } from "pixi.js";
import type { Crowd } from "../net/crowd";
import { groundLine, type SpaceMap, type Zone } from "../world/map";
import { SUBTILES } from "../world/movement";
import { type Dance, danceAt } from "../world/zones";
import { type Art, type Figure, TILE, WALK_STEPS } from "./art";
import type { Labels } from "./labels";
import type { RedrawGuard } from "./redraw-guard";

/** Logical pixels in one sub-tile. */
export const PIXELS = TILE / SUBTILES;
/** Where the feet are in an avatar's picture, as a part of its height. */
const FEET = 60 / 64;
/** Where the body's middle is above the feet: the square body is drawn around the ankles. */
const SINK = 6;
const STEPS_PER_TILE = 1.6;
/**
 * With more players than this in view, only names near the own player are shown: a crowd cannot be
 * read.
 */
const CROWD = 40;
const NEAR = 4 * TILE;

interface Actor {
  player: number;
  name: string;
  status: number;
  imageUrl: string | null;
  figure: Figure;
  sprite: Sprite;
  shadow: Sprite;
  label: Sprite;
  /** Tiles walked, for the walk cycle. */
  walked: number;
  x: number;
  y: number;
}

/** How a player looks. */
type Looks = Pick<Actor, "name" | "status" | "imageUrl">;

/** Where to draw a player. */
export interface Placed {
  x: number;
  y: number;
  isMoving: boolean;
}

export class Actors {
  readonly standing = new Container({ sortableChildren: true });
  readonly flat = new Container({ isRenderGroup: true });
  readonly shadows = new Container();
  readonly labels = new Container();
  readonly #actors = new Map<number, Actor>();
  readonly #things: { sprite: Sprite; left: number; top: number; right: number; bottom: number }[] =
    [];
  readonly #art: Art;
  readonly #names: Labels;
  readonly #shadow: Texture;
  /** Whether the person asked for as little movement as possible. */
  readonly #isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  #zones: Zone[] = [];
  /** How often elements and labels were changed. */
  #changes = 0;

  constructor(art: Art, names: Labels, shadow: Texture) {
    this.#art = art;
    this.#names = names;
    this.#shadow = shadow;
  }

  /** Draws the map's elements in place of the earlier ones. */
  async drawMap(map: SpaceMap): Promise<void> {
    this.#zones = map.zones;
    const pictures = await Promise.all(
      map.elements.map(({ element }) => this.#art.element(element.imageUrl)),
    );
    this.#changes++;
    for (const { sprite } of this.#things.splice(0)) sprite.destroy();
    for (const child of this.flat.removeChildren()) child.destroy();
    map.elements.forEach((placement, index) => {
      const texture = pictures[index];
      const { element } = placement;
      const [x, y] = [placement.x * TILE, placement.y * TILE];
      const [width, height] = [element.width * TILE, element.height * TILE];
      const sprite = texture
        ? new Sprite({ texture, x, y, width, height })
        : missing(x, y, width, height);
      if (element.flat || !texture) {
        this.flat.addChild(sprite);
        return;
      }
      sprite.zIndex = groundLine(placement) * TILE - 4;
      this.standing.addChild(sprite);
      this.#things.push({
        sprite: sprite as Sprite,
        left: x,
        top: y,
        right: x + width,
        bottom: y + height,
      });
    });
  }

  /** Draws all players in view at the positions that `place` gives. */
  draw(
    crowd: Crowd,
    zoom: number,
    place: (player: number, into: Placed) => void,
    facingOf: (player: number) => number,
  ): void {
    for (const actor of this.#actors.values()) {
      if (!crowd.walkers.has(actor.player)) this.#remove(actor);
    }
    for (const player of crowd.walkers.keys()) {
      const card = crowd.cards.get(player);
      const looks = {
        name: card?.name ?? "",
        status: card?.status ?? 0,
        imageUrl: card?.avatar?.imageUrl ?? null,
      };
      const actor = this.#actors.get(player) ?? this.#add(player, looks);
      const { name, status, imageUrl } = actor;
      if (card && (looks.name !== name || looks.status !== status || looks.imageUrl !== imageUrl)) {
        this.#dress(actor, looks);
      }
      place(player, placed);
      this.#pose(actor, placed, facingOf(player), zoom);
    }
    if (this.#names.upload()) this.#changes++;
  }

  /** Adds the numbers that decide how this looks. */
  note(guard: RedrawGuard): void {
    guard.note(this.#changes);
    for (const { sprite, label } of this.#actors.values()) {
      if (!sprite.visible) continue;
      guard.note(sprite.x, sprite.y, sprite.rotation, sprite.texture.uid);
      guard.note(label.visible ? label.texture.uid : 0);
    }
  }

  /** Hides what does not touch the window, given in logical pixels. */
  cull(left: number, top: number, right: number, bottom: number, me: number): void {
    const own = this.#actors.get(me);
    const isCrowd = this.#actors.size > CROWD;
    for (const thing of this.#things) {
      thing.sprite.visible =
        thing.left < right && thing.right > left && thing.top < bottom && thing.bottom > top;
    }
    for (const actor of this.#actors.values()) {
      const isSeen =
        actor.x > left - TILE &&
        actor.x < right + TILE &&
        actor.y > top - TILE &&
        actor.y < bottom + 2 * TILE;
      actor.sprite.visible = isSeen;
      actor.shadow.visible = isSeen;
      const isNear =
        !isCrowd ||
        !own ||
        (Math.abs(actor.x - own.x) < NEAR && Math.abs(actor.y - own.y) < NEAR / 2);
      actor.label.visible = isSeen && isNear;
    }
  }

  /** The player drawn at that point, the front-most first. */
  at(x: number, y: number): number | undefined {
    let found: Actor | undefined;
    for (const actor of this.#actors.values()) {
      const isHit = Math.abs(actor.x - x) < 14 && y < actor.y + 8 && y > actor.y - 46;
      if (isHit && (!found || actor.y > found.y)) found = actor;
    }
    return found?.player;
  }

  /** The point where a player's feet are drawn, in logical pixels. */
  feet(player: number): { x: number; y: number } | undefined {
    return this.#actors.get(player);
  }

  get count(): number {
    return this.#actors.size;
  }

  destroy(): void {
    for (const container of [this.standing, this.flat, this.shadows, this.labels])
      container.destroy({ children: true });
  }

  #add(player: number, looks: Looks): Actor {
    const figure = this.#art.plainFigure();
    const actor: Actor = {
      player,
      name: "",
      status: 0,
      imageUrl: null,
      figure,
      sprite: new Sprite({ anchor: { x: 0.5, y: FEET } }),
      shadow: new Sprite({ texture: this.#shadow, anchor: 0.5, alpha: 0.22 }),
      label: new Sprite({ anchor: { x: 0.5, y: 1 } }),
      walked: 0,
      x: 0,
      y: 0,
    };
    actor.sprite.visible = false;
    this.#actors.set(player, actor);
    this.standing.addChild(actor.sprite);
    this.shadows.addChild(actor.shadow);
    this.labels.addChild(actor.label);
    this.#dress(actor, looks);
    return actor;
  }

  #dress(actor: Actor, { name, status, imageUrl }: Looks): void {
    if (actor.name) this.#names.release(actor.name, actor.status);
    actor.name = name;
    actor.status = status;
    actor.label.texture = this.#names.acquire(name, status);
    actor.imageUrl = imageUrl;
    void this.#art.figure(imageUrl).then((figure) => {
      if (actor.imageUrl === imageUrl) actor.figure = figure;
    });
  }

  #remove(actor: Actor): void {
    this.#names.release(actor.name, actor.status);
    actor.sprite.destroy();
    actor.shadow.destroy();
    actor.label.destroy();
    this.#actors.delete(actor.player);
  }

  #pose(actor: Actor, { x, y, isMoving }: Placed, facing: number, zoom: number): void {
    const left = x * PIXELS;
    const top = y * PIXELS + SINK;
    const moved = isMoving ? Math.hypot(left - actor.x, top - actor.y) / TILE : 0;
    actor.walked = isMoving ? actor.walked + Math.min(moved, 1) : 0;
    actor.x = left;
    actor.y = top;
    const { sprite, figure } = actor;
    if (figure.kind === "sheet") {
      const step = isMoving ? 1 + (Math.floor(actor.walked * STEPS_PER_TILE * 2) % WALK_STEPS) : 0;
      const texture = figure.frames[facing]?.[step];
      if (texture && sprite.texture !== texture) sprite.texture = texture;
      sprite.scale.set(1);
    } else if (sprite.texture !== figure.texture) {
      sprite.texture = figure.texture;
      sprite.scale.set(Math.min(40 / figure.texture.width, 48 / figure.texture.height));
    }
    const bob =
      figure.kind === "picture" && isMoving ? Math.abs(Math.sin(actor.walked * 5)) * 3 : 0;
    const dance = isMoving || this.#isStill ? undefined : this.#dance(actor.player, x, y);
    sprite.position.set(left, top - bob - (dance?.hop ?? 0));
    sprite.rotation = dance?.lean ?? 0;
    sprite.zIndex = top;
    actor.shadow.position.set(left, top - 1);
    // Names have the same size on the screen at every zoom.
    actor.label.scale.set(1 / zoom);
    actor.label.position.set(left, top - 52);
  }

  #dance(player: number, x: number, y: number): Dance | undefined {
    const at = { x: x / SUBTILES, y: y / SUBTILES };
    return danceAt(this.#zones, at, player, performance.now() / 1000);
  }
}

const placed: Placed = { x: 0, y: 0, isMoving: false };

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
