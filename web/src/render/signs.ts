/**
 * Signs: boards with the name and the kind of a zone, seen before one steps in. A sign gives way to
 * faces.
 */

import { CanvasSource, Container, Sprite, Texture } from "pixi.js";
import type { SpaceMap, Zone } from "../world/map";
import { wordScale } from "../world/speech";
import { seesSign, signOf, tintOf } from "../world/zones";
import { TILE } from "./art";
import type { RedrawGuard } from "./redraw-guard";

const SCALE = 2;
const HEIGHT = { one: 26, two: 40 };
const MOST_WIDTH = 230;
const FONTS = 'system-ui, "Segoe UI", Roboto, "Noto Color Emoji", sans-serif';
const NAME_FONT = `650 13px ${FONTS}`;
const KIND_FONT = `500 11px ${FONTS}`;
/** How much of a sign is left over a face. */
const OVER_FACE = 0.15;

interface Sign {
  zone: Zone;
  sprite: Sprite;
  isWanted: boolean;
  isOverFace: boolean;
  alpha: number;
  /** The lower end of the board over its zone, and under it. */
  above: number;
  below: number;
}

type Tell = (left: number, top: number, right: number, bottom: number) => void;

export class Signs {
  readonly boards = new Container();
  #drawn: Zone[] | undefined;
  #signs: Sign[] = [];

  /** Draws the signs when the map changed. */
  draw(map: SpaceMap): void {
    if (this.#drawn === map.zones) return;
    this.#drawn = map.zones;
    this.#clear();
    for (const zone of map.zones) {
      const texture = textureOf(zone);
      if (!texture) continue;
      const sprite = new Sprite({ texture, anchor: { x: 0.5, y: 1 }, visible: false });
      // Over a low zone; in the middle of a high one, whose upper edge may be out of the window.
      const isLow = zone.height <= 4;
      const y = isLow ? zone.y * TILE - 4 : (zone.y + zone.height / 2) * TILE;
      const below = (zone.y + zone.height) * TILE;
      sprite.position.set((zone.x + zone.width / 2) * TILE, Math.max(y, TILE));
      this.boards.addChild(sprite);
      const hidden = { isWanted: false, isOverFace: false, alpha: 0 };
      this.#signs.push({ zone, sprite, above: sprite.y, below, ...hidden });
    }
  }

  /** Shows the signs near a player who stands there, in tiles. */
  look(x: number, y: number, zoom: number, seconds: number, isStill: boolean): void {
    for (const sign of this.#signs) {
      sign.isWanted = seesSign(sign.zone, x, y);
      const wanted = sign.isWanted ? (sign.isOverFace ? OVER_FACE : 1) : 0;
      const left = wanted - sign.alpha;
      sign.alpha += isStill || Math.abs(left) < 0.02 ? left : left * (1 - Math.exp(-10 * seconds));
      sign.sprite.visible = sign.alpha > 0;
      sign.sprite.alpha = sign.alpha;
      sign.sprite.scale.set(wordScale(zoom) / zoom);
    }
  }

  /** Moves signs from faces: to the other side of their zone, or else nearly away. */
  makeWay(eachFace: (tell: Tell) => void): void {
    for (const sign of this.#signs) {
      if (!sign.isWanted) continue;
      const { x, width, height } = sign.sprite;
      let [isAbove, isBelow] = [false, false];
      const under = sign.below + height + 4;
      eachFace((left, top, right, bottom) => {
        if (left >= x + width / 2 || right <= x - width / 2) return;
        isAbove ||= top < sign.above && bottom > sign.above - height;
        isBelow ||= top < under && bottom > sign.below;
      });
      sign.isOverFace = isAbove && isBelow;
      sign.sprite.y = isAbove && !isBelow ? under : sign.above;
    }
  }

  /** The names of the zones whose signs are shown. */
  shown(): string[] {
    return this.#signs.filter(({ isWanted }) => isWanted).map(({ zone }) => zone.name);
  }

  /** Adds the numbers that decide how this looks. */
  note(guard: RedrawGuard): void {
    for (const { sprite } of this.#signs) guard.note(sprite.visible ? sprite.alpha : 0, sprite.y);
  }

  destroy(): void {
    this.#clear();
    this.boards.destroy();
  }

  #clear(): void {
    for (const { sprite } of this.#signs) {
      sprite.texture.destroy(true);
      sprite.destroy();
    }
    this.#signs = [];
  }
}

/** A sign as a picture; `undefined` for a zone without one. */
function textureOf(zone: Zone): Texture | undefined {
  const words = signOf(zone);
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  if (!words || !context) return undefined;
  const widthOf = (text: string, font: string) => {
    context.font = font;
    return context.measureText(text).width;
  };
  const wide = Math.max(widthOf(words.name, NAME_FONT), widthOf(words.kind, KIND_FONT));
  const width = Math.ceil(Math.min(MOST_WIDTH, wide + 34));
  const height = words.kind ? HEIGHT.two : HEIGHT.one;
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  context.scale(SCALE, SCALE);
  context.fillStyle = "#fffaf1";
  context.strokeStyle = "rgba(58, 43, 61, 0.25)";
  context.beginPath();
  context.roundRect(0.5, 0.5, width - 1, height - 1, 9);
  context.fill();
  context.stroke();
  context.fillStyle = `#${(tintOf(zone.kind)?.color ?? 0).toString(16).padStart(6, "0")}`;
  context.beginPath();
  context.roundRect(7, 7, 5, height - 14, 2.5);
  context.fill();
  context.textBaseline = "middle";
  const room = width - 26;
  context.fillStyle = "#3a2b3d";
  context.font = NAME_FONT;
  context.fillText(words.name, 19, words.kind ? 14 : height / 2 + 0.5, room);
  context.fillStyle = "#68566d";
  context.font = KIND_FONT;
  context.fillText(words.kind, 19, 28, room);
  return new Texture({ source: new CanvasSource({ resource: canvas, resolution: SCALE }) });
}
