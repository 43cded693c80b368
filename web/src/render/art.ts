/** Art: pictures of the atlas by name, and other pictures by address. */

import {
  Assets,
  CanvasSource,
  Rectangle,
  Spritesheet,
  type SpritesheetData,
  Texture,
} from "pixi.js";
import { here } from "../net/base";
import { loaded, SHEET, sheetWithHead } from "./head";

/** Logical pixels along the side of a tile. */
export const TILE = 32;

const OWN_ELEMENT = /^\/art\/elements\/([\w-]+)\.svg$/;
const OWN_AVATAR = /^\/art\/avatars\/([\w-]+)\.svg$/;
const DIRECTIONS = ["down", "left", "right", "up"] as const;
/** Steps of a walk cycle; step 0 is standing. */
export const WALK_STEPS = 4;

export type Figure =
  /** Textures by facing, then standing and the steps of a walk. */
  | { kind: "sheet"; frames: Texture[][] }
  /** One picture for everything. */
  | { kind: "picture"; texture: Texture };

/** What there is to load; the pages of `more` only when something on them is to be shown. */
interface Index {
  pages: string[];
  more: string[];
  hash: string;
}

export class Art {
  readonly #index: Index;
  readonly #sheets: Spritesheet[];
  #more: Promise<void> | undefined;
  #hasTriedMore = false;
  readonly #figures = new Map<string, Figure>();
  readonly #pictures = new Map<string, Promise<Texture | undefined>>();

  private constructor(index: Index, sheets: Spritesheet[]) {
    this.#index = index;
    this.#sheets = sheets;
  }

  /** Loads the atlas; tells how far it is, 0 to 1. */
  static async load(progress: (part: number) => void): Promise<Art> {
    // Decoding in a worker made from a blob would need a weaker content security policy.
    Assets.setPreferences({ preferWorkers: false });
    const index = await fetchJson<Index>(here("/atlas/atlas.json"));
    const sheets: Spritesheet[] = [];
    for (const [number, page] of index.pages.entries()) {
      sheets.push(await loadSheet(page, index.hash));
      progress((number + 1) / index.pages.length);
    }
    return new Art(index, sheets);
  }

  /** Whether these tiles can be drawn. If they are on pages not loaded yet, those are fetched. */
  hasTiles(names: readonly string[]): boolean {
    if (this.#hasTriedMore || names.every((name) => this.tile(name))) return true;
    void this.loadMore();
    return false;
  }

  tile(name: string): Texture | undefined {
    return this.#named(`tile/${name}`);
  }

  /** The picture of an element; `undefined` while or when it cannot be shown. */
  async element(imageUrl: string): Promise<Texture | undefined> {
    const key = OWN_ELEMENT.exec(imageUrl)?.[1];
    if (!key) return this.#picture(imageUrl);
    if (!this.#named(`element/${key}`)) await this.loadMore();
    return this.#named(`element/${key}`) ?? this.#picture(imageUrl);
  }

  /** The figure of a player with that avatar. */
  async figure(imageUrl: string | null): Promise<Figure> {
    const address = imageUrl ?? "";
    const known = this.#figures.get(address);
    if (known) return known;
    const figure =
      this.#sheet(OWN_AVATAR.exec(address)?.[1]) ?? (await this.#pictureFigure(address));
    this.#figures.set(address, figure);
    return figure;
  }

  /** The figure of a player without an avatar. */
  plainFigure(): Figure {
    return this.#sheet("robot") ?? { kind: "picture", texture: Texture.WHITE };
  }

  #sheet(key: string | undefined): Figure | undefined {
    if (!key) return undefined;
    const frames = DIRECTIONS.map((direction) => {
      const steps = [];
      for (let step = 0; step <= WALK_STEPS; step++) {
        const texture = this.#named(`avatar/${key}/${direction}/${step}`);
        if (texture) steps.push(texture);
      }
      return steps;
    });
    return frames.every((steps) => steps.length === WALK_STEPS + 1)
      ? { kind: "sheet", frames }
      : undefined;
  }

  /** A picture that a user brought is the head of a figure. */
  async #pictureFigure(address: string): Promise<Figure> {
    if (!address) return this.plainFigure();
    try {
      const { width, height, scale } = SHEET;
      const sheet = await loaded(await sheetWithHead(address));
      const canvas = Object.assign(document.createElement("canvas"), { width, height });
      canvas.getContext("2d")?.drawImage(sheet, 0, 0, width, height);
      const source = new CanvasSource({ resource: canvas, resolution: scale });
      const [across, down] = [width / scale / (WALK_STEPS + 1), height / scale / DIRECTIONS.length];
      const frames = DIRECTIONS.map((_, row) =>
        Array.from({ length: WALK_STEPS + 1 }, (_, step) => {
          const frame = new Rectangle(step * across, row * down, across, down);
          return new Texture({ source, frame });
        }),
      );
      return { kind: "sheet", frames };
    } catch {
      return this.plainFigure();
    }
  }

  /** Loads the other pages, once. Without them there are the pictures by their addresses. */
  loadMore(): Promise<void> {
    this.#more ??= Promise.all(this.#index.more.map((page) => loadSheet(page, this.#index.hash)))
      .then((sheets) => void this.#sheets.push(...sheets))
      .catch(() => {})
      .finally(() => {
        this.#hasTriedMore = true;
      });
    return this.#more;
  }

  #picture(address: string): Promise<Texture | undefined> {
    let picture = this.#pictures.get(address);
    if (!picture) {
      picture = (address.startsWith("/") ? ownPicture(address) : pictureElsewhere(address)).catch(
        () => undefined,
      );
      this.#pictures.set(address, picture);
    }
    return picture;
  }

  #named(name: string): Texture | undefined {
    for (const sheet of this.#sheets) {
      const texture = sheet.textures[name];
      if (texture) return texture;
    }
    return undefined;
  }
}

async function loadSheet(page: string, hash: string): Promise<Spritesheet> {
  const version = `?v=${hash.slice(0, 12)}`;
  const data = await fetchJson<SpritesheetData>(here(`/atlas/${page}${version}`));
  const texture = await Assets.load<Texture>({
    src: here(`/atlas/${data.meta.image}${version}`),
    data: { resolution: Number(data.meta.scale) },
  });
  const sheet = new Spritesheet({ texture, data });
  await sheet.parse();
  return sheet;
}

function ownPicture(address: string): Promise<Texture> {
  return Assets.load<Texture>({ src: here(address), parser: "texture" });
}

/**
 * A picture of another server is shown as pictures are, not fetched: the page may reach nothing but
 * its own server. The other one has to allow it (CORS).
 */
async function pictureElsewhere(address: string): Promise<Texture> {
  const image = new Image();
  image.crossOrigin = "anonymous";
  image.src = address;
  await image.decode();
  return Texture.from(image);
}

async function fetchJson<T>(address: string): Promise<T> {
  const response = await fetch(address);
  if (!response.ok) throw new Error("The pictures could not be loaded. Load the page again.");
  return response.json();
}
