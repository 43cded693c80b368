/**
 * Labels: names over heads with the mark of a status, all drawn into one texture, so that a crowd
 * costs no extra draw calls.
 */

import { CanvasSource, Rectangle, Texture } from "pixi.js";
import { STATUSES } from "../world/statuses";

const SCALE = 2;
const SLOT = { width: 156, height: 22 };
const COLUMNS = 6;
const ROWS = 46;
const FONT = '600 13px system-ui, "Segoe UI", Roboto, "Noto Color Emoji", sans-serif';

/** Room for the mark of a status before the name. */
const MARK = 12;
const PLAIN = "#fffaf1";
const GROUND = "rgba(58, 43, 61, 0.72)";
/** The own name is told from the others by its ground. */
const OWN_GROUND = "rgba(156, 66, 41, 0.92)";

/** What a label says. */
export interface LabelText {
  name: string;
  status: number;
  isOwn: boolean;
}

export class Labels {
  readonly #pages: { canvas: HTMLCanvasElement; source: CanvasSource; used: number }[] = [];
  readonly #free: Texture[] = [];
  readonly #textures = new Map<string, { texture: Texture; users: number }>();
  /** Widths of what is drawn, in CSS pixels. */
  readonly #widths = new Map<Texture, number>();
  readonly #dirty = new Set<CanvasSource>();

  /** The label with that text; give it back with `release`. */
  acquire(text: LabelText): Texture {
    const key = keyOf(text);
    const known = this.#textures.get(key);
    if (known) {
      known.users++;
      return known.texture;
    }
    const texture = this.#free.pop() ?? this.#slot();
    this.#draw(text, texture);
    this.#textures.set(key, { texture, users: 1 });
    return texture;
  }

  release(text: LabelText): void {
    const key = keyOf(text);
    const known = this.#textures.get(key);
    if (!known || --known.users > 0) return;
    this.#textures.delete(key);
    this.#free.push(known.texture);
  }

  /** How wide the label is drawn, in CSS pixels. */
  widthOf(texture: Texture): number {
    return this.#widths.get(texture) ?? 0;
  }

  /**
   * Uploads what was drawn since the last call to the graphics card; returns whether there was
   * anything.
   */
  upload(): boolean {
    for (const source of this.#dirty) source.update();
    const isAny = this.#dirty.size > 0;
    this.#dirty.clear();
    return isAny;
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
    return new Texture({
      source: page.source,
      frame: new Rectangle(x, y, SLOT.width, SLOT.height),
    });
  }

  #draw({ name, status, isOwn }: LabelText, texture: Texture): void {
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
    const room = status === 0 ? 0 : MARK;
    const shown = shorten(context, name, SLOT.width - 16 - room);
    const width = Math.min(SLOT.width, context.measureText(shown).width + 14 + room);
    this.#widths.set(texture, width);
    context.fillStyle = isOwn ? OWN_GROUND : GROUND;
    context.beginPath();
    context.roundRect(x + (SLOT.width - width) / 2, y + 1, width, SLOT.height - 2, 10);
    context.fill();
    context.fillStyle = PLAIN;
    context.fillText(shown, x + (SLOT.width + room) / 2, y + SLOT.height / 2 + 0.5);
    if (room > 0) mark(context, status, x + (SLOT.width - width) / 2 + 12, y + SLOT.height / 2);
    context.restore();
    this.#dirty.add(page.source);
  }
}

function keyOf({ name, status, isOwn }: LabelText): string {
  return `${status} ${isOwn} ${name}`;
}

/**
 * The status as in lists of people, told apart by form, too: busy full, away empty, quiet a ring
 * with a dot, not to be disturbed with a bar.
 */
function mark(context: CanvasRenderingContext2D, status: number, x: number, y: number): void {
  const disc = (radius: number) => {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
  };
  context.lineWidth = 1.5;
  const { colour, form } = STATUSES[status] ?? { colour: null, form: "disc" };
  context.fillStyle = colour ?? PLAIN;
  context.strokeStyle = colour ?? PLAIN;
  const isRing = form === "ring" || form === "dotted ring";
  disc(isRing ? 3.75 : 4.5);
  if (isRing) context.stroke();
  else context.fill();
  if (form === "dotted ring") {
    disc(1.5);
    context.fill();
  }
  if (form === "bar") {
    context.fillStyle = PLAIN;
    context.fillRect(x - 2.5, y - 0.75, 5, 1.5);
  }
}

/** The name, cut between whole characters (as people see them) so that it fits. */
function shorten(context: CanvasRenderingContext2D, name: string, width: number): string {
  if (context.measureText(name).width <= width) return name;
  const characters = [...new Intl.Segmenter().segment(name.slice(0, 120))].map(
    ({ segment }) => segment,
  );
  while (characters.length > 1 && context.measureText(`${characters.join("")}…`).width > width)
    characters.pop();
  return `${characters.join("")}…`;
}
