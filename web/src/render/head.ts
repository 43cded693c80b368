/**
 * Head: makes a walking figure from a picture that a user uploaded: the picture becomes the head on
 * a body that is drawn already.
 */

import { here } from "../net/base";

/** The sheet with the body. */
const BODY = "/art/avatars/sheets/kenji.svg";
/**
 * A sheet in pixels as it is drawn: five steps across, four directions down, each 48 × 64, twice as
 * sharp.
 */
export const SHEET = { width: 480, height: 512, scale: 2 };
/** The picture of the head, in pixels: it is drawn at a quarter of that. */
const SIDE = 108;
/** Where the head is on the body, in units of the drawing. */
const CENTRE = { x: 24, y: 20.5 };
const RADIUS = 12.5;
const SVG = "http://www.w3.org/2000/svg";

const sheets = new Map<string, Promise<string>>();

/**
 * The sheet of a figure with that picture as its head, as an address; fails when the picture cannot
 * be shown.
 */
export function sheetWithHead(imageUrl: string): Promise<string> {
  let sheet = sheets.get(imageUrl);
  if (!sheet) {
    sheet = draw(imageUrl);
    sheet.catch(() => sheets.delete(imageUrl));
    sheets.set(imageUrl, sheet);
  }
  return sheet;
}

/** A picture that is there. Of another server only one that lets itself be drawn. */
export async function loaded(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.crossOrigin = "anonymous";
  image.src = here(address);
  await image.decode();
  return image;
}

async function draw(imageUrl: string): Promise<string> {
  const [picture, response] = await Promise.all([loaded(imageUrl), fetch(here(BODY))]);
  if (!response.ok) throw new Error("The body could not be loaded.");
  const body = new DOMParser().parseFromString(await response.text(), "image/svg+xml");
  const { face, back } = heads(picture);
  const turns: [string, string][] = [
    ["head-down", face],
    ["head-left", face],
    ["head-right", face],
    ["head-up", back],
  ];
  for (const [id, picture] of turns)
    body.getElementById(id)?.replaceChildren(...head(body, picture));
  const bytes = new TextEncoder().encode(new XMLSerializer().serializeToString(body));
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return `data:image/svg+xml;base64,${btoa(binary)}`;
}

/** A round head with a light rim, so that it is seen before any ground. */
function head(body: Document, picture: string): Element[] {
  const element = (name: string, attributes: Record<string, string | number>) => {
    const made = body.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
    return made;
  };
  const { x, y } = CENTRE;
  const [left, top, side] = [x - RADIUS, y - RADIUS, 2 * RADIUS];
  return [
    element("circle", { cx: x, cy: y, r: RADIUS + 1, fill: "#fffaf1" }),
    element("image", { x: left, y: top, width: side, height: side, href: picture }),
  ];
}

/** The middle of a picture as a disc, and a disc of its own colour for who walks away. */
function heads(picture: HTMLImageElement): { face: string; back: string } {
  const disc = document.createElement("canvas");
  disc.width = disc.height = SIDE;
  const context = disc.getContext("2d");
  if (!context) throw new Error("The picture could not be drawn.");
  const half = SIDE / 2;
  context.arc(half, half, half, 0, 2 * Math.PI);
  context.clip();
  context.fillStyle = "#d9cbb8";
  context.fill();
  const { left, top, side } = middle(picture.naturalWidth, picture.naturalHeight);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, left, top, side, side, 0, 0, SIDE, SIDE);
  const face = disc.toDataURL("image/png");
  // The mean colour, drawn over the disc at the size of a dot.
  const dot = document.createElement("canvas");
  dot.width = dot.height = 1;
  const mean = dot.getContext("2d");
  mean?.drawImage(disc, half / 2, half / 2, half, half, 0, 0, 1, 1);
  context.drawImage(dot, 0, 0, SIDE, SIDE);
  context.fillStyle = "rgb(0 0 0 / 12%)";
  context.fill();
  return { face, back: disc.toDataURL("image/png") };
}

/**
 * The square of a picture that becomes the head: its middle, and of an upright one more of its
 * upper part, where faces are.
 */
export function middle(width: number, height: number): { left: number; top: number; side: number } {
  const side = Math.min(width, height);
  return { left: Math.round((width - side) / 2), top: Math.round((height - side) / 4), side };
}
