/**
 * Actors: the players, drawn among standing elements in the order of where they touch the ground.
 */

import { Container, Sprite, type Texture } from "pixi.js";
import type { Crowd } from "../net/crowd";
import type { ShownEmote } from "../net/overhead";
import { moveWith, type Pose } from "../world/emotes";
import type { Zone } from "../world/map";
import { SUBTILES } from "../world/movement";
import { wordScale } from "../world/speech";
import { danceAt } from "../world/zones";
import { type Art, type Figure, TILE, WALK_STEPS } from "./art";
import type { Labels, LabelText } from "./labels";
import type { RedrawGuard } from "./redraw-guard";
import type { Ring, Rings } from "./rings";
import type { Upright } from "./things";

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
/** Where names begin over the feet, and faces end, in logical pixels. */
const NAME = 52;
const CHIN = 26;
/** Half the width of a head. */
const CHEEK = 13;
/** Height of a name, in CSS pixels. */
export const NAME_HEIGHT = 22;

interface Actor extends LabelText {
  player: number;
  imageUrl: string | null;
  figure: Figure;
  sprite: Sprite;
  shadow: Sprite;
  label: Sprite;
  ring: Ring;
  /** Tiles walked, for the walk cycle. */
  walked: number;
  x: number;
  y: number;
}

/** How a player looks. */
type Looks = Pick<Actor, "name" | "status" | "imageUrl" | "isOwn">;

/** Where to draw a player. */
export interface Placed {
  x: number;
  y: number;
  isMoving: boolean;
}

/** What the players are drawn from. */
export interface Scene {
  crowd: Crowd;
  me: number;
  zoom: number;
  now: number;
  /** Writes where to draw a player. */
  place(player: number, into: Placed): void;
  facingOf(player: number): number;
  emoteOf(player: number): ShownEmote | undefined;
  /** One of `RING`, for the floor under a player. */
  ringOf(player: number): number;
}

/** Where a player's name, or the head when no name is shown, and the feet are on the screen. */
export interface Overhead {
  x: number;
  /** The upper end of the name. */
  top: number;
  /** Half the width of the name. */
  half: number;
  /** The feet. */
  under: number;
}

export class Actors {
  readonly standing = new Container({ sortableChildren: true });
  readonly shadows = new Container();
  readonly labels = new Container();
  readonly #actors = new Map<number, Actor>();
  readonly #art: Art;
  readonly #names: Labels;
  readonly #shadow: Texture;
  /** Whether the person asked for as little movement as possible. */
  readonly #isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  readonly #rings: Rings;
  /** The zones where people dance. */
  zones: readonly Zone[] = [];
  /** How often labels were changed. */
  #changes = 0;

  constructor(art: Art, names: Labels, rings: Rings, shadow: Texture) {
    this.#art = art;
    this.#names = names;
    this.#rings = rings;
    this.#shadow = shadow;
  }

  /** Draws all players in view. */
  draw(scene: Scene): void {
    const { crowd, me } = scene;
    for (const actor of this.#actors.values()) {
      if (!crowd.walkers.has(actor.player)) this.#remove(actor);
    }
    for (const player of crowd.walkers.keys()) {
      const card = crowd.cards.get(player);
      looks.name = card?.name ?? "";
      looks.status = card?.status ?? 0;
      looks.imageUrl = card?.avatar?.imageUrl ?? null;
      looks.isOwn = player === me;
      const actor = this.#actors.get(player) ?? this.#add(player, looks);
      const { name, status, imageUrl } = actor;
      const isAlike =
        looks.name === name &&
        looks.status === status &&
        looks.imageUrl === imageUrl &&
        looks.isOwn === actor.isOwn;
      if (card && !isAlike) this.#dress(actor, looks);
      scene.place(player, placed);
      this.#pose(actor, placed, scene);
    }
    if (this.#names.upload()) this.#changes++;
  }

  /** Adds the numbers that decide how this looks. */
  note(guard: RedrawGuard): void {
    guard.note(this.#changes);
    for (const { sprite, label, ring } of this.#actors.values()) {
      if (!sprite.visible) continue;
      guard.note(sprite.x, sprite.y, sprite.rotation, sprite.texture.uid);
      guard.note(label.visible ? label.texture.uid : 0, ring.kind, ring.sprite.scale.x);
    }
  }

  /** Hides what does not touch the window, given in logical pixels. */
  cull(left: number, top: number, right: number, bottom: number, me: number): void {
    const own = this.#actors.get(me);
    const isCrowd = this.#actors.size > CROWD;
    for (const actor of this.#actors.values()) {
      const isSeen =
        actor.x > left - TILE &&
        actor.x < right + TILE &&
        actor.y > top - TILE &&
        actor.y < bottom + 2 * TILE;
      actor.sprite.visible = isSeen;
      actor.shadow.visible = isSeen;
      if (!isSeen) actor.ring.sprite.visible = false;
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

  /** All players, for what may hide them. */
  get all(): Upright {
    return this.#actors;
  }

  /** Where a player's name and feet are, in logical pixels; `undefined` when not in the window. */
  overhead(player: number, zoom: number, into: Overhead): Overhead | undefined {
    const actor = this.#actors.get(player);
    if (!actor?.sprite.visible) return undefined;
    const isNamed = actor.label.visible;
    into.x = actor.x;
    const size = wordScale(zoom) / zoom;
    into.top = actor.y - NAME - (isNamed ? NAME_HEIGHT * size : 0);
    into.half = isNamed ? (this.#names.widthOf(actor.label.texture) * size) / 2 : 0;
    into.under = actor.y + 4;
    return into;
  }

  /**
   * Calls with the faces and names in the window, in logical pixels. Each face ends where the chin
   * is; each name is as wide as it is drawn.
   */
  eachFace(
    zoom: number,
    tell: (left: number, top: number, right: number, bottom: number) => void,
  ): void {
    const size = wordScale(zoom) / zoom;
    for (const { x, y, sprite, label } of this.#actors.values()) {
      if (!sprite.visible) continue;
      tell(x - CHEEK, y - NAME, x + CHEEK, y - CHIN);
      if (!label.visible) continue;
      const half = (this.#names.widthOf(label.texture) * size) / 2;
      tell(x - half, y - NAME - NAME_HEIGHT * size, x + half, y - NAME);
    }
  }

  get count(): number {
    return this.#actors.size;
  }

  destroy(): void {
    for (const container of [this.standing, this.shadows, this.labels])
      container.destroy({ children: true });
  }

  #add(player: number, looks: Looks): Actor {
    const figure = this.#art.plainFigure();
    const actor: Actor = {
      player,
      name: "",
      status: 0,
      isOwn: looks.isOwn,
      imageUrl: null,
      figure,
      sprite: new Sprite({ anchor: { x: 0.5, y: FEET } }),
      shadow: new Sprite({ texture: this.#shadow, anchor: 0.5, alpha: 0.22 }),
      label: new Sprite({ anchor: { x: 0.5, y: 1 } }),
      ring: this.#rings.add(),
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

  #dress(actor: Actor, { name, status, imageUrl, isOwn }: Looks): void {
    if (actor.name) this.#names.release(actor);
    actor.name = name;
    actor.status = status;
    actor.isOwn = isOwn;
    actor.label.texture = this.#names.acquire(actor);
    actor.imageUrl = imageUrl;
    void this.#art.figure(imageUrl).then((figure) => {
      if (actor.imageUrl === imageUrl) actor.figure = figure;
    });
  }

  #remove(actor: Actor): void {
    this.#names.release(actor);
    actor.sprite.destroy();
    actor.shadow.destroy();
    actor.ring.sprite.destroy();
    actor.label.destroy();
    this.#actors.delete(actor.player);
  }

  #pose(actor: Actor, { x, y, isMoving }: Placed, scene: Scene): void {
    const { player } = actor;
    const facing = scene.facingOf(player);
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
    this.#gesture(actor, x, y, isMoving, scene);
    sprite.position.set(left, top - bob - pose.hop);
    sprite.rotation = pose.lean;
    sprite.zIndex = top;
    actor.shadow.position.set(left, top - 1);
    this.#rings.place(actor.ring, scene.ringOf(player), left, top - 1, scene.now, this.#isStill);
    // From near, names have the same size on the screen at every zoom.
    actor.label.scale.set(wordScale(scene.zoom) / scene.zoom);
    actor.label.position.set(left, top - NAME);
  }

  /** Writes into `pose` how the body moves with an emote, or dances. */
  #gesture({ player }: Actor, x: number, y: number, isMoving: boolean, scene: Scene): void {
    pose.hop = 0;
    pose.lean = 0;
    if (this.#isStill) return;
    const emote = scene.emoteOf(player);
    if (emote && moveWith(emote.kind, scene.now - emote.since, pose)) return;
    if (isMoving || this.zones.length === 0) return;
    const at = { x: x / SUBTILES, y: y / SUBTILES };
    const dance = danceAt(this.zones, at, player, scene.now / 1000);
    if (dance) Object.assign(pose, dance);
  }
}

// Written again for every player of every frame, so that nothing is allocated.
const placed: Placed = { x: 0, y: 0, isMoving: false };
const pose: Pose = { hop: 0, lean: 0 };
const looks: Looks = { name: "", status: 0, imageUrl: null, isOwn: false };
