/**
 * Rings: marks on the floor under people: under oneself, and under those one is in a conversation
 * with, brighter while they speak.
 */

import { type Application, Container, Graphics, Sprite, type Texture } from "pixi.js";
import { RING } from "../world/rings";

/** Milliseconds in which a ring opens when a conversation begins. */
const OPENS_MILLIS = 450;

export class Rings {
  readonly floor = new Container();
  readonly #textures: readonly Texture[];

  constructor(app: Application) {
    this.#textures = [plain(app), own(app), near(app), speaking(app)];
  }

  /** A ring for one more player. */
  add(): Ring {
    const sprite = new Sprite({ anchor: 0.5, visible: false });
    this.floor.addChild(sprite);
    return { sprite, kind: RING.none, since: 0 };
  }

  /** Shows a ring on the floor at a point. */
  place(ring: Ring, kind: number, x: number, y: number, now: number, isStill: boolean): void {
    if (ring.kind !== kind) {
      // Who begins to speak has a ring already.
      if (ring.kind < RING.near) ring.since = now;
      ring.kind = kind;
      ring.sprite.texture = this.#textures[kind] ?? ring.sprite.texture;
    }
    ring.sprite.visible = kind !== RING.none;
    if (kind === RING.none) return;
    const part = isStill || kind === RING.own ? 1 : Math.min(1, (now - ring.since) / OPENS_MILLIS);
    // It opens a little too far, and settles.
    ring.sprite.scale.set(part === 1 ? 1 : 1 + 0.5 * Math.sin(Math.PI * part) - 0.6 * (1 - part));
    ring.sprite.alpha = Math.min(1, part * 2);
    ring.sprite.position.set(x, y);
  }

  destroy(): void {
    this.floor.destroy({ children: true });
    for (const texture of this.#textures) texture.destroy(true);
  }
}

export interface Ring {
  sprite: Sprite;
  kind: number;
  since: number;
}

function textureOf(app: Application, graphics: Graphics): Texture {
  const texture = app.renderer.generateTexture({ target: graphics, resolution: 3 });
  graphics.destroy();
  return texture;
}

const plain = (app: Application) => textureOf(app, new Graphics().ellipse(0, 0, 2, 1).fill(0));

/** The own ring: wide and warm, in the colour of the own name. */
const own = (app: Application) =>
  textureOf(
    app,
    new Graphics()
      .ellipse(0, 0, 16.5, 9)
      .fill({ color: 0xfff4dc, alpha: 0.3 })
      .stroke({ color: 0xfffaf1, width: 2.6, alpha: 0.95 })
      .ellipse(0, 0, 16.5, 9)
      .stroke({ color: 0xcb6a4b, width: 1.3 }),
  );

const near = (app: Application) =>
  textureOf(
    app,
    new Graphics()
      .ellipse(0, 0, 15.5, 8.4)
      .fill({ color: 0x94b47b, alpha: 0.28 })
      .stroke({ color: 0xb7d79a, width: 1.6, alpha: 0.9 }),
  );

const speaking = (app: Application) =>
  textureOf(
    app,
    new Graphics()
      .ellipse(0, 0, 20, 11)
      .stroke({ color: 0xb7d79a, width: 1.2, alpha: 0.6 })
      .ellipse(0, 0, 15.5, 8.4)
      .fill({ color: 0x94b47b, alpha: 0.5 })
      .stroke({ color: 0xe4f5cf, width: 2.4 }),
  );
