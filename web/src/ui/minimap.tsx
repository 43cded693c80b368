/** Minimap: the whole space small, with everybody in view; a click walks there. */

import { useEffect, useRef } from "preact/hooks";
import type { Space } from "../net/space";
import { RedrawGuard } from "../render/redraw-guard";
import { isSolid } from "../world/grid";
import { SUBTILES } from "../world/movement";
import { minimapColour } from "../world/zones";

const SIDE = 150;
const REFRESH = 200;

export function Minimap({ space }: { space: Space }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const version = space.map.version.value;
  const map = space.map.current;
  const scale = map ? SIDE / Math.max(map.width, map.height) : 1;

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!map || !context) return;
    const ground = drawGround(space, scale);
    const guard = new RedrawGuard();
    const draw = () => {
      const { walkers } = space.people.crowd;
      const body = space.walking.prediction?.body;
      for (const { trail } of walkers.values())
        guard.note(trail.at(-1)?.x ?? 0, trail.at(-1)?.y ?? 0);
      guard.note(body?.x ?? 0, body?.y ?? 0);
      if (!guard.take()) return;
      const ratio = devicePixelRatio;
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.drawImage(ground, 0, 0, context.canvas.width, context.canvas.height);
      context.setTransform((scale * ratio) / SUBTILES, 0, 0, (scale * ratio) / SUBTILES, 0, 0);
      const radius = (3 * SUBTILES) / scale;
      for (const walker of walkers.values()) {
        const point = walker.trail.at(-1);
        if (point && walker.player !== space.people.me)
          dot(context, point.x, point.y, radius, "#fffaf1");
      }
      if (body) dot(context, body.x, body.y, radius * 1.35, "#cb6a4b");
    };
    draw();
    const timer = setInterval(draw, REFRESH);
    return () => clearInterval(timer);
  }, [version, space]);

  if (!map) return null;
  const [width, height] = [Math.round(map.width * scale), Math.round(map.height * scale)];
  return (
    <canvas
      ref={canvas}
      class="minimap"
      role="img"
      aria-label="Map of the space; a click walks there"
      width={width * devicePixelRatio}
      height={height * devicePixelRatio}
      style={{ "--wide": width / SIDE, aspectRatio: `${width} / ${height}` }}
      onClick={(event) => {
        // The frame around what is drawn is no part of the map.
        const { clientWidth, clientHeight } = event.currentTarget;
        const { offsetX, offsetY } = event;
        space.walking.to(
          Math.floor((offsetX / clientWidth) * map.width),
          Math.floor((offsetY / clientHeight) * map.height),
        );
      }}
    />
  );
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

/** What does not move, drawn once: walkable ground, zones, what is in the way. */
function drawGround(space: Space, scale: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  const map = space.map.current;
  const { prediction } = space.walking;
  const pixels = scale * devicePixelRatio;
  canvas.width = Math.max(1, Math.round((map?.width ?? 1) * pixels));
  canvas.height = Math.max(1, Math.round((map?.height ?? 1) * pixels));
  const context = canvas.getContext("2d");
  if (!context || !map || !prediction) return canvas;
  context.scale(pixels, pixels);
  context.fillStyle = "#ecd0a3";
  context.fillRect(0, 0, map.width, map.height);
  for (const zone of map.zones) {
    context.fillStyle = minimapColour(zone.kind);
    context.fillRect(zone.x, zone.y, zone.width, zone.height);
  }
  context.fillStyle = "#846a84";
  for (let y = 0; y < map.height; y++) {
    for (let x = 0; x < map.width; x++)
      if (isSolid(prediction.grid, x, y)) context.fillRect(x, y, 1.05, 1.05);
  }
  return canvas;
}
