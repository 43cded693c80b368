/**
 * Minimap: the whole space small, drawn from its art, with the people in view and the names of
 * zones; a click walks there. It can be folded, and looked at large.
 */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Space } from "../net/space";
import { RedrawGuard } from "../render/redraw-guard";
import { isSolid } from "../world/grid";
import type { SpaceMap, Zone } from "../world/map";
import { placeNames } from "../world/minimap";
import { SUBTILES } from "../world/movement";
import { minimapColour, signOf, tintOf } from "../world/zones";
import { Dialog, IconButton } from "./controls";

/** Pixels along the longer side: small, and large at most. */
const SIDE = 176;
const LARGE = 880;
const REFRESH = 200;
const KEY = "plaza.map";
const FONT = '600 11px system-ui, "Segoe UI", Roboto, sans-serif';

/** Draws the map from its art; nothing when that cannot be done. */
export type DrawMap = () => Promise<HTMLCanvasElement | undefined>;

interface MinimapProps {
  space: Space;
  /** Absent until the world is drawn. */
  drawMap: DrawMap | undefined;
}

/** Whether there is room for a map next to everything else. */
const hasRoom = () => matchMedia("(min-width: 48rem) and (min-height: 34rem)").matches;

export function Minimap({ space, drawMap }: MinimapProps) {
  const [isFolded, setFolded] = useState(localStorage.getItem(KEY) === "folded");
  const [isLarge, setLarge] = useState(false);
  const isRoomy = useRoom();
  const picture = usePicture(space, drawMap);
  const map = space.map.current;
  if (!map) return null;
  const fold = (isFolded: boolean) => {
    localStorage.setItem(KEY, isFolded ? "folded" : "open");
    setFolded(isFolded);
  };
  const isShown = isRoomy && !isFolded;
  return (
    <div class="map-corner">
      {isShown ? (
        <>
          <MapCanvas space={space} map={map} picture={picture} side={SIDE} />
          <IconButton icon="full" label="Large map" class="tiny" onClick={() => setLarge(true)} />
          <IconButton icon="minus" label="Fold the map" class="tiny" onClick={() => fold(true)} />
        </>
      ) : (
        <div class="pill minimap">
          <IconButton
            icon="map"
            label="Map"
            onClick={() => (isRoomy ? fold(false) : setLarge(true))}
          />
        </div>
      )}
      {isLarge && (
        <Dialog title="Map" class="map-dialog" onClose={() => setLarge(false)}>
          <header>
            <h2>{space.name.value || map.name}</h2>
            <IconButton
              icon="close"
              label="Close the map"
              class="quiet small"
              onClick={() => setLarge(false)}
            />
          </header>
          <MapCanvas
            space={space}
            map={map}
            picture={picture}
            side={largeSide(map)}
            isNamed
            onGone={() => setLarge(false)}
          />
          <p class="muted small">Click or tap where you would like to go.</p>
        </Dialog>
      )}
    </div>
  );
}

/** As large as the window allows. */
function largeSide({ width, height }: SpaceMap): number {
  const longer = Math.max(width, height);
  const across = ((innerWidth - 64) * longer) / width;
  const down = ((innerHeight - 176) * longer) / height;
  return Math.max(120, Math.min(LARGE, across, down));
}

interface MapCanvasProps {
  space: Space;
  map: SpaceMap;
  picture: HTMLCanvasElement | undefined;
  side: number;
  /** Whether zones have their names on the map; otherwise the one under the pointer is named. */
  isNamed?: boolean;
  /** The person walks to a tile. */
  onGone?: () => void;
}

function MapCanvas({ space, map, picture, side, isNamed = false, onGone }: MapCanvasProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [pointed, setPointed] = useState<string>();
  const version = space.map.version.value;
  const scale = side / Math.max(map.width, map.height);
  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const ground = drawGround(space, map, picture, scale, isNamed);
    const guard = new RedrawGuard();
    const draw = () => drawPeople(space, context, ground, scale, guard);
    draw();
    const timer = setInterval(draw, REFRESH);
    return () => clearInterval(timer);
  }, [version, space, picture, scale]);
  const [width, height] = [Math.round(map.width * scale), Math.round(map.height * scale)];
  /** The tile under the pointer. The frame around what is drawn is no part of the map. */
  const tileAt = (event: MouseEvent) => {
    const { clientWidth = 1, clientHeight = 1 } = canvas.current ?? {};
    const x = Math.floor((event.offsetX / clientWidth) * map.width);
    return { x, y: Math.floor((event.offsetY / clientHeight) * map.height) };
  };
  return (
    <div class={`map-frame ${isNamed ? "large" : ""}`}>
      <canvas
        ref={canvas}
        class="minimap"
        role="img"
        aria-label="Map of the space; a click walks there"
        width={width * devicePixelRatio}
        height={height * devicePixelRatio}
        style={{ width: `${width}px`, aspectRatio: `${width} / ${height}` }}
        onPointerMove={(event) => setPointed(nameAt(map, tileAt(event)))}
        onPointerLeave={() => setPointed(undefined)}
        onClick={(event) => {
          const { x, y } = tileAt(event);
          space.walking.to(x, y);
          onGone?.();
        }}
      />
      {pointed && !isNamed && (
        <span class="map-name" aria-hidden="true">
          {pointed}
        </span>
      )}
    </div>
  );
}

/** The name of the zone at a tile: the smallest, where several lie on each other. */
function nameAt(map: SpaceMap, { x, y }: { x: number; y: number }): string | undefined {
  const has = (zone: Zone) =>
    x >= zone.x && y >= zone.y && x < zone.x + zone.width && y < zone.y + zone.height;
  const [zone] = map.zones
    .filter((zone) => labelOf(zone) !== undefined && has(zone))
    .sort((one, other) => one.width * one.height - other.width * other.height);
  return zone && labelOf(zone);
}

function labelOf(zone: Zone): string | undefined {
  return zone.kind === "spawn" ? zone.name || undefined : signOf(zone)?.name;
}

/** Whether there is room for the map, as the window is now. */
function useRoom(): boolean {
  const [isRoomy, setRoomy] = useState(hasRoom);
  useEffect(() => {
    const onResize = () => setRoomy(hasRoom());
    addEventListener("resize", onResize);
    return () => removeEventListener("resize", onResize);
  }, []);
  return isRoomy;
}

/** The picture of the map, drawn again when the map changes. */
function usePicture(space: Space, drawMap: DrawMap | undefined): HTMLCanvasElement | undefined {
  const [picture, setPicture] = useState<HTMLCanvasElement>();
  const version = space.map.version.value;
  useEffect(() => {
    if (!drawMap || version === 0) return;
    let isCurrent = true;
    drawMap().then(
      (drawn) => isCurrent && setPicture(drawn),
      // Without it, the map has plain colours.
      (error: Error) => console.warn(error),
    );
    return () => {
      isCurrent = false;
    };
  }, [version, drawMap]);
  return picture;
}

/** Draws what moves, if it moved. */
function drawPeople(
  space: Space,
  context: CanvasRenderingContext2D,
  ground: HTMLCanvasElement,
  scale: number,
  guard: RedrawGuard,
): void {
  const { walkers } = space.people.crowd;
  const peers = space.calls.peers.peek();
  const body = space.walking.prediction?.body;
  for (const { trail, player } of walkers.values())
    guard.note(trail.at(-1)?.x ?? 0, trail.at(-1)?.y ?? 0, peers.has(player) ? 1 : 0);
  guard.note(body?.x ?? 0, body?.y ?? 0);
  if (!guard.take()) return;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(ground, 0, 0, context.canvas.width, context.canvas.height);
  const pixels = (scale * devicePixelRatio) / SUBTILES;
  context.setTransform(pixels, 0, 0, pixels, 0, 0);
  const radius = (Math.min(6, 2.6 + scale / 4) * SUBTILES) / scale;
  for (const walker of walkers.values()) {
    const point = walker.trail.at(-1);
    if (point && walker.player !== space.people.me)
      dot(context, point.x, point.y, radius, peers.has(walker.player) ? "#b7d79a" : "#fffaf1");
  }
  if (body) dot(context, body.x, body.y, radius * 1.35, "#cb6a4b");
}

function dot(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  colour: string,
): void {
  context.beginPath();
  context.arc(x, y, radius, 0, Math.PI * 2);
  context.fillStyle = colour;
  context.fill();
  context.lineWidth = radius / 3;
  context.strokeStyle = "#3a2b3d";
  context.stroke();
}

/** What does not move, drawn once: the picture or plain colours, zones and their names. */
function drawGround(
  space: Space,
  map: SpaceMap,
  picture: HTMLCanvasElement | undefined,
  scale: number,
  isNamed: boolean,
): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const pixels = scale * devicePixelRatio;
  canvas.width = Math.max(1, Math.round(map.width * pixels));
  canvas.height = Math.max(1, Math.round(map.height * pixels));
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  if (picture) {
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  }
  context.scale(pixels, pixels);
  if (!picture) drawPlain(space, map, context);
  for (const zone of map.zones) {
    const tint = tintOf(zone.kind);
    if (!tint) continue;
    const colour = `#${tint.color.toString(16).padStart(6, "0")}`;
    context.beginPath();
    context.roundRect(zone.x, zone.y, zone.width, zone.height, 0.6);
    context.fillStyle = `${colour}66`;
    context.fill();
    context.lineWidth = 1 / scale;
    context.strokeStyle = zone.kind === "portal" ? "#fffaf1" : colour;
    context.stroke();
  }
  if (isNamed) drawNames(map, context, scale);
  return canvas;
}

function drawNames(map: SpaceMap, context: CanvasRenderingContext2D, scale: number): void {
  context.scale(1 / scale, 1 / scale);
  context.font = FONT;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const zones = map.zones.filter((zone) => labelOf(zone) !== undefined);
  const places = placeNames(
    zones.map(({ x, y, width, height, ...zone }) => ({
      ...{ x: x * scale, y: y * scale, width: width * scale, height: height * scale },
      nameWidth: context.measureText(labelOf({ x, y, width, height, ...zone }) ?? "").width + 8,
    })),
    map.width * scale,
    map.height * scale,
  );
  zones.forEach((zone, index) => {
    const place = places[index];
    const name = labelOf(zone);
    if (!place || !name) return;
    const width = context.measureText(name).width + 8;
    context.fillStyle = "rgba(58, 43, 61, 0.72)";
    context.beginPath();
    context.roundRect(place.x - width / 2, place.y - 8, width, 16, 6);
    context.fill();
    context.fillStyle = "#fffaf1";
    context.fillText(name, place.x, place.y + 0.5);
  });
}

/** Plain colours: walkable ground, and what is in the way. */
function drawPlain(space: Space, map: SpaceMap, context: CanvasRenderingContext2D): void {
  context.fillStyle = "#ecd0a3";
  context.fillRect(0, 0, map.width, map.height);
  for (const zone of map.zones) {
    context.fillStyle = minimapColour(zone.kind);
    context.fillRect(zone.x, zone.y, zone.width, zone.height);
  }
  const { prediction } = space.walking;
  if (!prediction) return;
  context.fillStyle = "#846a84";
  for (let y = 0; y < map.height; y++) {
    for (let x = 0; x < map.width; x++)
      if (isSolid(prediction.grid, x, y)) context.fillRect(x, y, 1.05, 1.05);
  }
}
