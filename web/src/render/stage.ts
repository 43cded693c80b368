/** Stage: one space on one canvas: camera, layers and the loop that draws them. */

import "pixi.js/unsafe-eval";
import { Application, Container, Graphics, type Texture } from "pixi.js";
import type { Space } from "../net/space";
import { SUBTILES } from "../world/movement";
import { Actors, type Overhead, PIXELS, type Placed, type Scene } from "./actors";
import { Art, TILE } from "./art";
import { Ground } from "./ground";
import { Labels } from "./labels";
import { mapPicture } from "./map-picture";
import { RedrawGuard } from "./redraw-guard";
import { Rings } from "./rings";
import { Signs } from "./signs";
import { Things } from "./things";
import { Zones } from "./zones";

const MIN_ZOOM = 0.6;
const MAX_ZOOM = 3;

export class Stage {
  readonly #app: Application;
  readonly #space: Space;
  readonly #art: Art;
  readonly #world = new Container();
  readonly #labels = new Labels();
  readonly #rings: Rings;
  readonly #actors: Actors;
  readonly #things: Things;
  readonly #zones = new Zones();
  readonly #signs = new Signs();
  readonly #scene: Scene;
  readonly #redrawGuard = new RedrawGuard();
  readonly #groundBelow = new Container();
  readonly #groundAbove = new Container();
  readonly #marker: Graphics;
  readonly #own: Placed = { x: 0, y: 0, isMoving: false };
  readonly #still: boolean;
  #ground: Ground | undefined;
  #drawnMap = -1;
  #zoom: number;
  #zoomWanted: number;
  #camera = { x: 0, y: 0, isSet: false };
  /**
   * What panels cover on the right and at the bottom, in CSS pixels: the target, and the eased
   * value that the camera uses.
   */
  #covered = { right: 0, bottom: 0 };
  #cover = { right: 0, bottom: 0 };
  /** When everything was last placed. */
  #drawnAt = 0;
  /** The tick at which others are drawn. */
  #tick = 0;
  /** The mark on the floor under a player: one of `RING`. */
  ringOf: (player: number) => number = () => 0;
  /** Called after everything was placed. */
  onDrawn: (now: number) => void = () => {};

  private constructor(app: Application, space: Space, art: Art) {
    this.#app = app;
    this.#space = space;
    this.#art = art;
    this.#rings = new Rings(app);
    this.#actors = new Actors(art, this.#labels, this.#rings, shadowTexture(app));
    this.#things = new Things(art, this.#actors.standing);
    this.#marker = markerAt();
    this.#still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#zoom = defaultZoom(app.screen.width, app.screen.height);
    this.#zoomWanted = this.#zoom;
    this.#scene = this.#makeScene();
    const { shadows, standing, labels } = this.#actors;
    const { floor, shade } = this.#zones;
    this.#world.addChild(
      this.#groundBelow,
      floor,
      this.#things.flat,
      this.#marker,
      this.#rings.floor,
      shadows,
      standing,
      this.#groundAbove,
      shade,
      this.#signs.boards,
      labels,
    );
    app.stage.addChild(this.#world);
    app.stage.eventMode = "none";
    app.ticker.remove(app.render, app);
    app.ticker.add((ticker) => this.#draw(performance.now(), ticker.deltaMS / 1000));
    app.canvas.addEventListener("webglcontextrestored", () => this.#redrawGuard.forget());
  }

  static async open(
    holder: HTMLElement,
    space: Space,
    progress: (part: number) => void,
  ): Promise<Stage> {
    const art = await Art.load(progress);
    const app = new Application();
    await app.init({
      resizeTo: holder,
      background: "#35594c",
      antialias: false,
      autoDensity: true,
      resolution: Math.min(devicePixelRatio, 2),
      roundPixels: true,
      preference: "webgl",
    });
    holder.append(app.canvas);
    return new Stage(app, space, art);
  }

  get canvas(): HTMLCanvasElement {
    return this.#app.canvas;
  }

  /** Changes the zoom by a factor. */
  zoomBy(factor: number): void {
    this.#zoomWanted = wholePixels(
      Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, this.#zoomWanted * factor)),
    );
  }

  /**
   * Sets what panels cover on the right and at the bottom: the own player stands in the middle of
   * the rest.
   */
  cover(right: number, bottom: number): void {
    this.#covered = { right, bottom };
  }

  /** What is at a point of the canvas, in CSS pixels: a player, and the tile. */
  pick(x: number, y: number): { player: number | undefined; x: number; y: number } {
    const left = (x - this.#world.x) / this.#zoom;
    const top = (y - this.#world.y) / this.#zoom;
    return {
      player: this.#actors.at(left, top),
      x: Math.floor(left / TILE),
      y: Math.floor(top / TILE),
    };
  }

  get zoom(): number {
    return this.#zoom;
  }

  /**
   * Where a player's name and feet are, in CSS pixels, written into `into`; `undefined` while the
   * player is out of the window.
   */
  overhead(player: number, into: Overhead): Overhead | undefined {
    const found = this.#actors.overhead(player, this.#zoom, into);
    if (!found) return undefined;
    found.x = found.x * this.#zoom + this.#world.x;
    found.top = found.top * this.#zoom + this.#world.y;
    found.under = found.under * this.#zoom + this.#world.y;
    found.half *= this.#zoom;
    return found;
  }

  /** Calls with the faces and names in the window, in CSS pixels. */
  eachFace(tell: (left: number, top: number, right: number, bottom: number) => void): void {
    const [zoom, { x, y }] = [this.#zoom, this.#world];
    this.#actors.eachFace(zoom, (left, top, right, bottom) =>
      tell(left * zoom + x, top * zoom + y, right * zoom + x, bottom * zoom + y),
    );
  }

  /** The names on the signs that are shown. */
  signs(): string[] {
    return this.#signs.shown();
  }

  /** The whole map in a small picture. */
  async mapPicture(): Promise<HTMLCanvasElement | undefined> {
    const map = this.#space.map.current;
    return map && mapPicture(this.#app.renderer, this.#art, map);
  }

  /** How many things let people be seen through them. */
  get seeThrough(): number {
    return this.#things.seeThrough;
  }

  /** Where a player is drawn, in tiles. */
  drawnAt(player: number): { x: number; y: number } | undefined {
    const feet = this.#actors.feet(player);
    return feet && { x: feet.x / TILE, y: feet.y / TILE };
  }

  /**
   * Figures for debugging and tests: frames a second, players drawn, where the own player is and
   * when it was drawn there.
   */
  figures(): { fps: number; players: number; x: number; y: number; drawnAt: number } {
    const { x, y } = this.#own;
    return { fps: this.#app.ticker.FPS, players: this.#actors.count, x, y, drawnAt: this.#drawnAt };
  }

  close(): void {
    this.#actors.destroy();
    this.#labels.destroy();
    this.#ground?.destroy();
    this.#zones.destroy();
    this.#signs.destroy();
    this.#things.destroy();
    this.#rings.destroy();
    this.#app.destroy({ removeView: true }, { children: true });
  }

  #draw(now: number, seconds: number): void {
    const space = this.#space;
    space.walking.advance(now);
    space.walking.prediction?.fade(seconds);
    if (space.map.version.peek() !== this.#drawnMap) this.#build();
    const tick = space.people.drawnTick(now);
    const part = space.walking.partOfStep(now);
    const { me, crowd } = space.people;
    const { prediction } = space.walking;
    if (prediction && !crowd.walkers.has(me) && crowd.cards.has(me)) return;
    const placeOwn = () => {
      if (!prediction) return;
      const { x, y } = this.#own;
      prediction.place(part, this.#own);
      this.#own.isMoving = Math.abs(this.#own.x - x) + Math.abs(this.#own.y - y) > 0.4;
    };
    placeOwn();
    this.#drawnAt = now;
    this.#tick = tick;
    Object.assign(this.#scene, { crowd, me, zoom: this.#zoom, now });
    this.#actors.draw(this.#scene);
    const map = space.map.current;
    if (map) this.#zones.look(map, space.zones.here(), seconds, this.#still);
    this.#look(seconds);
    this.#things.uncover(this.#actors.all, seconds, this.#still);
    this.#lookAtSigns(seconds);
    this.#mark(now);
    this.#show();
    this.onDrawn(now);
  }

  /** What players are drawn from; the same object for every frame. */
  #makeScene(): Scene {
    const { people, walking, overhead } = this.#space;
    return {
      ...{ crowd: people.crowd, me: people.me, zoom: this.#zoom, now: 0 },
      place: (player, into) => {
        if (player === people.me) Object.assign(into, this.#own);
        else people.crowd.walkers.get(player)?.at(this.#tick, into);
      },
      facingOf: (player) =>
        player === people.me && walking.prediction
          ? walking.prediction.body.facing
          : (people.walker(player)?.facing ?? 0),
      emoteOf: (player) => overhead.emotes.get(player),
      ringOf: (player) => this.ringOf(player),
    };
  }

  #lookAtSigns(seconds: number): void {
    const { x, y } = this.#own;
    this.#signs.look(x / SUBTILES, y / SUBTILES, this.#zoom, seconds, this.#still);
    this.#signs.makeWay((tell) => this.#actors.eachFace(this.#zoom, tell));
  }

  /** Renders, if the frame differs from the one that is shown. */
  #show(): void {
    const { position, scale } = this.#world;
    const { width, height } = this.#app.screen;
    this.#redrawGuard.note(width, height, this.#drawnMap, position.x, position.y, scale.x);
    this.#redrawGuard.note(
      this.#marker.visible ? this.#marker.scale.x : 0,
      this.#marker.x,
      this.#marker.y,
    );
    this.#zones.note(this.#redrawGuard);
    this.#signs.note(this.#redrawGuard);
    this.#redrawGuard.note(this.#things.changes);
    this.#actors.note(this.#redrawGuard);
    if (this.#redrawGuard.take()) this.#app.render();
  }

  /** Builds the ground and the elements after the map arrived or changed. */
  #build(): void {
    const map = this.#space.map.current;
    if (!map || !this.#art.hasTiles(map.tiles)) return;
    this.#drawnMap = this.#space.map.version.peek();
    if (!this.#ground?.shows(map)) {
      this.#ground?.destroy();
      this.#ground = new Ground(map, this.#art);
      this.#groundBelow.addChild(this.#ground.below);
      this.#groundAbove.addChild(this.#ground.above);
    }
    this.#zones.draw(map);
    this.#signs.draw(map);
    this.#actors.zones = map.zones.filter(({ kind }) => kind === "dance");
    void this.#things.draw(map);
  }

  /** Follows the own player, without showing what is beyond the map. */
  #look(seconds: number): void {
    const map = this.#space.map.current;
    if (!this.#space.walking.prediction || !map) return;
    const { width, height } = this.#app.screen;
    const zoomLeft = this.#zoomWanted - this.#zoom;
    this.#zoom +=
      zoomLeft * (this.#still || Math.abs(zoomLeft) < 0.001 ? 1 : 1 - Math.exp(-12 * seconds));
    const [x, y] = [this.#own.x * PIXELS, this.#own.y * PIXELS - TILE / 2];
    const ease = this.#still || !this.#camera.isSet ? 1 : 1 - Math.exp(-9 * seconds);
    this.#camera.x += (x - this.#camera.x) * ease;
    this.#camera.y += (y - this.#camera.y) * ease;
    this.#camera.isSet = true;
    this.#cover.right += (this.#covered.right - this.#cover.right) * ease;
    this.#cover.bottom += (this.#covered.bottom - this.#cover.bottom) * ease;
    const [wide, high] = [
      (width - this.#cover.right) / this.#zoom,
      (height - this.#cover.bottom) / this.#zoom,
    ];
    const left = clamp(this.#camera.x - wide / 2, map.width * TILE - wide);
    const top = clamp(this.#camera.y - high / 2, map.height * TILE - high);
    this.#world.scale.set(this.#zoom);
    this.#world.position.set(Math.round(-left * this.#zoom), Math.round(-top * this.#zoom));
    const [right, bottom] = [left + width / this.#zoom, top + height / this.#zoom];
    this.#ground?.cull(left, top, right, bottom);
    this.#things.cull(left, top, right, bottom);
    this.#actors.cull(left, top, right, bottom, this.#space.people.me);
    this.#space.show(width / this.#zoom / TILE, height / this.#zoom / TILE);
  }

  #mark(now: number): void {
    const { target } = this.#space.walking;
    this.#marker.visible = target !== undefined;
    if (!target) return;
    this.#marker.position.set((target.x + 0.5) * TILE, (target.y + 0.5) * TILE);
    this.#marker.scale.set(this.#still ? 1 : 1 + 0.12 * Math.sin(now / 160));
  }
}

/** Keeps a window of the map inside it; a map smaller than the window stands in its middle. */
function clamp(at: number, room: number): number {
  return room < 0 ? room / 2 : Math.min(Math.max(at, 0), room);
}

/** About twenty-two tiles across on a wide window, and never less than ten. */
function defaultZoom(width: number, height: number): number {
  const byWidth = Math.min(width / (22 * TILE), width / (10 * TILE));
  return wholePixels(Math.min(2.25, Math.max(1.1, Math.max(byWidth, height / (16 * TILE)))));
}

/**
 * The nearest zoom at which a tile is a whole number of pixels: there are no seams between tiles
 * then.
 */
function wholePixels(zoom: number): number {
  return Math.round(zoom * TILE) / TILE;
}

function shadowTexture(app: Application): Texture {
  const graphics = new Graphics().ellipse(0, 0, 11, 5).fill(0x3a2b3d);
  const texture = app.renderer.generateTexture({ target: graphics, resolution: 2 });
  graphics.destroy();
  return texture;
}

function markerAt(): Graphics {
  const marker = new Graphics()
    .ellipse(0, 0, 12, 8)
    .stroke({ color: 0xfffaf1, width: 2.5, alpha: 0.9 });
  marker.ellipse(0, 0, 4, 2.7).fill({ color: 0xfffaf1, alpha: 0.9 });
  marker.visible = false;
  return marker;
}
