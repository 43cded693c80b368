/** Labels: names over heads, all drawn into one texture so that a crowd costs no extra draw calls. */

import { CanvasSource, Rectangle, Texture } from "pixi.js";

const SCALE = 2;
const SLOT = { width: 156, height: 22 };
const COLUMNS = 6;
const ROWS = 46;
const FONT = '600 13px system-ui, "Segoe UI", Roboto, "Noto Color Emoji", sans-serif';

export class Labels {
  readonly #pages: { canvas: HTMLCanvasElement; source: CanvasSource; used: number }[] = [];
  readonly #free: Texture[] = [];
  readonly #textures = new Map<string, { texture: Texture; users: number }>();
  readonly #dirty = new Set<CanvasSource>();

  /** The label with that name; give it back with `release`. */
  acquire(name: string): Texture {
    const known = this.#textures.get(name);
    if (known) {
      known.users++;
      return known.texture;
    }
    const texture = this.#free.pop() ?? this.#slot();
    this.#draw(name, texture);
    this.#textures.set(name, { texture, users: 1 });
    return texture;
  }

  release(name: string): void {
    const known = this.#textures.get(name);
    if (!known || --known.users > 0) return;
    this.#textures.delete(name);
    this.#free.push(known.texture);
  }

  /** Sends what was drawn since the last call to the graphics card, once. */
  upload(): void {
    for (const source of this.#dirty) source.update();
    this.#dirty.clear();
  }

  destroy(): void {
    for (const { source } of this.#pages) source.destroy();
  }

  #slot(): Texture {
    let page = this.#pages.at(-1);
    if (!page || page.used === COLUMNS * ROWS) {
      const canvas = document.createElement("canvas");
      canvas.width = COLUMNS * SLOT.width * SCALE;
      canvas.height = ROWS * SLOT.height * SCALE;
      page = { canvas, source: new CanvasSource({ resource: canvas, resolution: SCALE }), used: 0 };
      this.#pages.push(page);
    }
    const x = (page.used % COLUMNS) * SLOT.width;
    const y = Math.floor(page.used / COLUMNS) * SLOT.height;
    page.used++;
    return new Texture({ source: page.source, frame: new Rectangle(x, y, SLOT.width, SLOT.height) });
  }

  #draw(name: string, texture: Texture): void {
    const page = this.#pages.find(({ source }) => source === texture.source);
    const context = page?.canvas.getContext("2d");
    if (!page || !context) return;
    const { x, y } = texture.frame;
    context.setTransform(SCALE, 0, 0, SCALE, 0, 0);
    context.clearRect(x, y, SLOT.width, SLOT.height);
    context.save();
    context.beginPath();
    context.rect(x, y, SLOT.width, SLOT.height);
    context.clip();
    context.font = FONT;
    context.textAlign = "center";
    context.textBaseline = "middle";
    const shown = shorten(context, name, SLOT.width - 16);
    const width = Math.min(SLOT.width, context.measureText(shown).width + 14);
    context.fillStyle = "rgba(58, 43, 61, 0.72)";
    context.beginPath();
    context.roundRect(x + (SLOT.width - width) / 2, y + 1, width, SLOT.height - 2, 10);
    context.fill();
    context.fillStyle = "#fffaf1";
    context.fillText(shown, x + SLOT.width / 2, y + SLOT.height / 2 + 0.5);
    context.restore();
    this.#dirty.add(page.source);
  }
}

/** The name, cut between whole characters (as people see them) so that it fits. */
function shorten(context: CanvasRenderingContext2D, name: string, width: number): string {
  if (context.measureText(name).width <= width) return name;
  const characters = [...new Intl.Segmenter().segment(name.slice(0, 120))].map(({ segment }) => segment);
  while (characters.length > 1 && context.measureText(`${characters.join("")}…`).width > width) characters.pop();
  return `${characters.join("")}…`;
}
