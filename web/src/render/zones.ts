/** Zones: floors tinted by kind, and darkness outside a private zone while the player is inside. */

import { Container, Graphics } from "pixi.js";
import type { SpaceMap, Zone } from "../world/map";
import { tintOf } from "../world/zones";
import { TILE } from "./art";
import type { RedrawGuard } from "./redraw-guard";

const SHADE = 0x241c28;
const DARK = 0.42;

export class Zones {
  readonly floor = new Container();
  readonly shade = new Graphics();
  #drawn: Zone[] | undefined;
  #inside: Zone | undefined;
  #dark = 0;

  /** Draws the floors when the map changed. */
  draw(map: SpaceMap): void {
    if (this.#drawn === map.zones) return;
    this.#drawn = map.zones;
    for (const child of this.floor.removeChildren()) child.destroy();
    for (const zone of map.zones) {
      const tint = tintOf(zone.kind);
      if (!tint) continue;
      const floor = new Graphics()
        .roundRect(
          zone.x * TILE + 2,
          zone.y * TILE + 2,
          zone.width * TILE - 4,
          zone.height * TILE - 4,
          8,
        )
        .fill(tint)
        .stroke({ color: tint.color, alpha: 0.75, width: 2 });
      if (zone.kind === "portal") swirl(floor, zone);
      this.floor.addChild(floor);
    }
  }

  /** Darkens what is outside the private zone that the player stands in. */
  look(map: SpaceMap, here: number[], seconds: number, isStill: boolean): void {
    const inside = here.map((index) => map.zones[index]).find((zone) => zone?.kind === "private");
    if (inside && inside !== this.#inside) this.#cut(map, inside);
    this.#inside = inside ?? this.#inside;
    const left = (inside ? DARK : 0) - this.#dark;
    this.#dark += left * (isStill || Math.abs(left) < 0.005 ? 1 : 1 - Math.exp(-8 * seconds));
    this.shade.visible = this.#dark > 0.01;
    this.shade.alpha = this.#dark;
    if (!inside && !this.shade.visible) this.#inside = undefined;
  }

  /** Adds the numbers that decide how this looks. */
  note(guard: RedrawGuard): void {
    guard.note(this.shade.visible ? this.shade.alpha : 0);
  }

  destroy(): void {
    this.floor.destroy({ children: true });
    this.shade.destroy();
  }

  /** Covers everything but the zone: above, below, left and right of it. */
  #cut(map: SpaceMap, { x, y, width, height }: Zone): void {
    const [left, top, right, bottom] = [
      x * TILE,
      y * TILE,
      (x + width) * TILE,
      (y + height) * TILE,
    ];
    const [w, h] = [map.width * TILE, map.height * TILE];
    this.shade
      .clear()
      .rect(-w, -h, 3 * w, top + h)
      .rect(-w, bottom, 3 * w, 2 * h)
      .rect(-w, top, left + w, bottom - top)
      .rect(right, top, 2 * w, bottom - top)
      .fill(SHADE);
  }
}

/** Rings that draw the eye into a portal, so that no one takes it for a carpet. */
function swirl(floor: Graphics, { x, y, width, height }: Zone): void {
  const [left, top] = [(x + width / 2) * TILE, (y + height / 2) * TILE];
  const side = (Math.min(width, height) * TILE) / 2 - 3;
  floor
    .ellipse(left, top, side, side * 0.8)
    .fill({ color: 0x2b6472, alpha: 0.85 })
    .ellipse(left, top, side, side * 0.8)
    .stroke({ color: 0xd6f0ea, width: 1.6 })
    .ellipse(left, top, side * 0.68, side * 0.54)
    .fill({ color: 0x6db5b5, alpha: 0.8 })
    .ellipse(left, top, side * 0.36, side * 0.28)
    .fill({ color: 0xfffaf1, alpha: 0.95 });
}
