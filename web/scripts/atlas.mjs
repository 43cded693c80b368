// Draws the SVG sources in assets/art into packed PNG pages for PixiJS.
//
//   node scripts/atlas.mjs [--force]
//
// In:  assets/art/tiles/*.svg, elements/*.svg, avatars/sheets/*.svg
// Out: web/public/atlas/atlas-<n>.png and .json (one PixiJS spritesheet each), with avatars and
//      what the maps of assets/seed show; more-<n> with all else, which the page loads when it is
//      shown; atlas.json (the lists of pages, and the hash that lets a second run stop early).
//
// Frames are named tile/<name>, element/<key> and avatar/<key>/<direction>/<step>.
// The same sources always give the same bytes.

import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import { Resvg } from "@resvg/resvg-js";
// By path: the package says it is an ES module, yet its main file is a UMD bundle that exports
// nothing to one.
import { MaxRectsPacker } from "maxrects-packer/dist/maxrects-packer.mjs";

const SCALE = 2;
const PAGE = 2048;
const PADDING = 2;
/** Tiles lie edge to edge, so their border pixels are repeated outwards against bleeding. */
const EXTRUDE = 1;
const DIRECTIONS = ["down", "left", "right", "up"];
const STEPS = 5;

const SOURCES = fileURLToPath(new URL("../../assets/art/", import.meta.url));
const MAPS = fileURLToPath(new URL("../../assets/seed/maps/", import.meta.url));
const OUT = fileURLToPath(new URL("../public/atlas/", import.meta.url));

/** One SVG file: where its frames' names begin, and its text. */
async function readSources() {
  const kinds = [
    { kind: "tile", folder: "tiles" },
    { kind: "element", folder: "elements" },
    { kind: "avatar", folder: "avatars/sheets" },
  ];
  const sources = [];
  for (const { kind, folder } of kinds) {
    const files = (await readdir(join(SOURCES, folder))).filter((file) => file.endsWith(".svg"));
    for (const file of files.sort()) {
      const text = await readFile(join(SOURCES, folder, file), "utf8");
      sources.push({ kind, name: `${kind}/${file.slice(0, -".svg".length)}`, text });
    }
  }
  return sources;
}

/** Names of all frames that the built-in maps show. */
async function shownNames() {
  // What a space without a map has (PLAIN in web/src/render/ground.ts).
  const names = new Set(["tile/grass", "tile/grass-soft"]);
  for (const file of (await readdir(MAPS)).filter((name) => name.endsWith(".tmj"))) {
    const map = JSON.parse(await readFile(join(MAPS, file), "utf8"));
    const tiles = new Map();
    for (const { firstgid, tiles: known } of map.tilesets) {
      for (const tile of known) tiles.set(firstgid + tile.id, tile.class ?? tile.type);
    }
    for (const layer of map.layers) {
      for (const number of layer.data ?? []) names.add(`tile/${tiles.get(number)}`);
      for (const object of layer.objects ?? []) names.add(`element/${object.class ?? object.type}`);
    }
  }
  return names;
}

async function contentHash(sources, shown) {
  const hash = createHash("sha256");
  const inputs = [
    fileURLToPath(import.meta.url),
    fileURLToPath(new URL("../package.json", import.meta.url)),
  ];
  for (const file of inputs) hash.update(await readFile(file));
  for (const { name, text } of sources) hash.update(`${name}\0${text}\0${shown.has(name)}\0`);
  return hash.digest("hex");
}

async function isUpToDate(hash) {
  try {
    const index = JSON.parse(await readFile(join(OUT, "atlas.json"), "utf8"));
    if (index.hash !== hash) return false;
    const present = new Set(await readdir(OUT));
    return [...index.pages, ...index.more].every(
      (page) => present.has(page) && present.has(page.replace(/json$/, "png")),
    );
  } catch {
    return false;
  }
}

/** Rasterises one source into straight (not premultiplied) RGBA. */
function draw({ name, text }) {
  const size = /viewBox="0 0 (\d+) (\d+)"/.exec(text);
  if (!size) throw new Error(`${name}: viewBox must be "0 0 width height" in whole units`);
  const [width, height] = [Number(size[1]) * SCALE, Number(size[2]) * SCALE];
  const image = new Resvg(text, {
    fitTo: { mode: "width", value: width },
    font: { loadSystemFonts: false },
  }).render();
  if (image.width !== width || image.height !== height) {
    throw new Error(`${name}: drew ${image.width}x${image.height}, wanted ${width}x${height}`);
  }
  const data = Buffer.from(image.pixels);
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3];
    if (alpha === 0 || alpha === 255) continue;
    for (let channel = 0; channel < 3; channel++) {
      data[at + channel] = Math.min(255, Math.round((data[at + channel] * 255) / alpha));
    }
  }
  return { width, height, data };
}

function crop(picture, { x, y, w, h }) {
  const data = Buffer.alloc(w * h * 4);
  for (let row = 0; row < h; row++) {
    const from = ((y + row) * picture.width + x) * 4;
    picture.data.copy(data, row * w * 4, from, from + w * 4);
  }
  return { width: w, height: h, data };
}

/** The smallest rectangle that holds every visible pixel; one pixel if there is none. */
function visibleBounds({ width, height, data }) {
  let [left, top, right, bottom] = [width, height, -1, -1];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[(y * width + x) * 4 + 3] === 0) continue;
      left = Math.min(left, x);
      right = Math.max(right, x);
      top = Math.min(top, y);
      bottom = y;
    }
  }
  if (right < 0) return { x: 0, y: 0, w: 1, h: 1 };
  return { x: left, y: top, w: right - left + 1, h: bottom - top + 1 };
}

/** A frame: its name, full size, what is left after trimming, and those pixels. */
function trimmed(name, picture) {
  const trim = visibleBounds(picture);
  return {
    name,
    full: { w: picture.width, h: picture.height },
    trim,
    picture: crop(picture, trim),
    border: 0,
  };
}

function tileFrame(name, picture) {
  const full = { w: picture.width, h: picture.height };
  return { name, full, trim: { x: 0, y: 0, ...full }, picture, border: EXTRUDE };
}

function framesOf(source) {
  const picture = draw(source);
  if (source.kind === "tile") return [tileFrame(source.name, picture)];
  if (source.kind === "element") return [trimmed(source.name, picture)];
  const w = picture.width / STEPS;
  const h = picture.height / DIRECTIONS.length;
  return DIRECTIONS.flatMap((direction, row) =>
    Array.from({ length: STEPS }, (_, step) =>
      trimmed(
        `${source.name}/${direction}/${step}`,
        crop(picture, { x: step * w, y: row * h, w, h }),
      ),
    ),
  );
}

function pack(frames) {
  const packer = new MaxRectsPacker(PAGE, PAGE, PADDING, {
    smart: true,
    pot: true,
    square: false,
    allowRotation: false,
  });
  packer.addArray(
    frames.map((frame) => ({
      width: frame.picture.width + 2 * frame.border,
      height: frame.picture.height + 2 * frame.border,
      frame,
    })),
  );
  return packer.bins;
}

/** Copies a frame's pixels to the page; a border repeats its outermost pixels. */
function paint(page, pageWidth, { x, y, frame }) {
  const { picture, border } = frame;
  for (let row = -border; row < picture.height + border; row++) {
    const fromRow = Math.min(Math.max(row, 0), picture.height - 1) * picture.width;
    const to = (y + border + row) * pageWidth + x + border;
    picture.data.copy(page, to * 4, fromRow * 4, (fromRow + picture.width) * 4);
    for (let step = 1; step <= border; step++) {
      const last = fromRow + picture.width - 1;
      picture.data.copy(page, (to - step) * 4, fromRow * 4, fromRow * 4 + 4);
      picture.data.copy(page, (to + picture.width - 1 + step) * 4, last * 4, last * 4 + 4);
    }
  }
}

function pngChunk(type, body) {
  const chunk = Buffer.alloc(body.length + 12);
  chunk.writeUInt32BE(body.length, 0);
  chunk.write(type, 4, "latin1");
  body.copy(chunk, 8);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, body.length + 8)), body.length + 8);
  return chunk;
}

/** A PNG of 8-bit RGBA. Rows have no filter: flat colour is a quarter smaller without one. */
function encodePng(width, height, data) {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 6, 0, 0, 0], 8);
  const stride = width * 4;
  const rows = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y++) {
    data.copy(rows, y * (stride + 1) + 1, y * stride, (y + 1) * stride);
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const body = pngChunk("IDAT", deflateSync(rows, { level: 9, memLevel: 9 }));
  return Buffer.concat([
    signature,
    pngChunk("IHDR", header),
    body,
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

function spritesheet(bin, page) {
  const frames = {};
  for (const { x, y, frame } of [...bin.rects].sort((a, b) =>
    a.frame.name < b.frame.name ? -1 : 1,
  )) {
    const { trim, full, border } = frame;
    frames[frame.name] = {
      frame: { x: x + border, y: y + border, w: trim.w, h: trim.h },
      rotated: false,
      trimmed: trim.w !== full.w || trim.h !== full.h,
      spriteSourceSize: trim,
      sourceSize: full,
    };
  }
  const meta = {
    app: "plaza atlas",
    image: `${page}.png`,
    format: "RGBA8888",
    size: { w: bin.width, h: bin.height },
    scale: String(SCALE),
  };
  return { frames, meta };
}

/** Writes pages of that name, and returns the names of their lists. */
async function writePages(name, bins) {
  for (const [index, bin] of bins.entries()) {
    const page = `${name}-${index}`;
    const pixels = Buffer.alloc(bin.width * bin.height * 4);
    for (const rect of bin.rects) paint(pixels, bin.width, rect);
    await writeFile(join(OUT, `${page}.png`), encodePng(bin.width, bin.height, pixels));
    await writeFile(join(OUT, `${page}.json`), JSON.stringify(spritesheet(bin, page)));
  }
  return bins.map((_, index) => `${name}-${index}.json`);
}

const sources = await readSources();
const shown = await shownNames();
const hash = await contentHash(sources, shown);
if (!process.argv.includes("--force") && (await isUpToDate(hash))) {
  console.log("atlas: up to date");
} else {
  const isFirst = ({ kind, name }) => kind === "avatar" || shown.has(name);
  const first = pack(sources.filter(isFirst).flatMap(framesOf));
  const later = pack(sources.filter((source) => !isFirst(source)).flatMap(framesOf));
  await rm(OUT, { recursive: true, force: true });
  await mkdir(OUT, { recursive: true });
  const pages = await writePages("atlas", first);
  const more = await writePages("more", later);
  // Written last: a run that is cut off leaves no index and so is done again.
  await writeFile(join(OUT, "atlas.json"), `${JSON.stringify({ pages, more, hash })}\n`);
  const frames = [...first, ...later].reduce((sum, bin) => sum + bin.rects.length, 0);
  const count = first.length + later.length;
  console.log(`atlas: ${frames} frames from ${sources.length} drawings on ${count} page(s)`);
}
