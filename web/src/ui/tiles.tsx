/** Tiles: videos of people and screens: a row of them, one large, or one on the whole screen. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Call, Tile } from "../media/call";
import { IconButton } from "./controls";
import { type Faded, fade, keyOf } from "./fade";

/** Width of a tile with the space around it, in CSS pixels. */
const TILE_WIDTH = 176;

/** Heights of a picture in the row and of a large one. */
const TILE_HEIGHT = 99;
const LARGE_HEIGHT = 480;

const pixels = (height: number) => Math.round(height * Math.min(2, devicePixelRatio));

/** Milliseconds in which a tile that has gone fades out; as long as in the style. */
const FADE = 300;

export function Tiles({ call }: { call: Call }) {
  const [large, setLarge] = useState<string | null>(null);
  const width = useWidth();
  const shown = useFading(call.tiles.value);
  const tiles = shown.map(({ tile }) => tile);
  const fading = new Set(shown.filter(({ isFading }) => isFading).map(({ tile }) => keyOf(tile)));
  const spotlight = tiles.find((tile) => keyOf(tile) === large);
  // Every video costs the machine something: those that find no room are not decoded.
  const room = Math.max(1, Math.floor(width / TILE_WIDTH));
  const row = tiles.filter((tile) => tile !== spotlight).slice(0, room);
  useEffect(() => {
    const heights = new Map<number, number>();
    for (const { player, kind, isMe } of tiles)
      if (kind === "camera" && !isMe) heights.set(player, 0);
    for (const { player, kind, isMe } of row)
      if (kind === "camera" && !isMe) heights.set(player, pixels(TILE_HEIGHT));
    if (spotlight?.kind === "camera" && !spotlight.isMe)
      heights.set(spotlight.player, pixels(LARGE_HEIGHT));
    call.show(heights);
  });
  if (tiles.length === 0) return null;
  const hidden = tiles.length - row.length - (spotlight ? 1 : 0);
  return (
    <section class="tiles" aria-label="Pictures">
      <div class="tile-row">
        {row.map((tile) => (
          <Picture
            key={keyOf(tile)}
            tile={tile}
            call={call}
            isFading={fading.has(keyOf(tile))}
            onPick={() => setLarge(keyOf(tile))}
          />
        ))}
        {hidden > 0 && <span class="tag">{hidden} more</span>}
      </div>
      {spotlight && (
        <Picture
          key={`large ${keyOf(spotlight)}`}
          tile={spotlight}
          call={call}
          isLarge
          isFading={fading.has(keyOf(spotlight))}
          onPick={() => setLarge(null)}
        />
      )}
    </section>
  );
}

interface PictureProps {
  tile: Tile;
  call: Call;
  isLarge?: boolean;
  isFading: boolean;
  onPick: () => void;
}

function Picture({ tile, call, isLarge, isFading, onPick }: PictureProps) {
  const figure = useRef<HTMLElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const { track, player, kind, name, isMe } = tile;
  useEffect(() => {
    const element = video.current;
    if (!element) return;
    element.srcObject = new MediaStream([track]);
    void element.play().catch(() => {});
    return () => {
      element.srcObject = null;
    };
  }, [track]);
  const what = kind === "screen" ? `${isMe ? "Your" : `${name}’s`} screen` : name;
  const isSpeaking = call.speaking.value.has(player) && kind === "camera";
  const marks = [isLarge && "large", isSpeaking && "speaking", isMe && "mine", isFading && "fading"]
    .filter(Boolean)
    .join(" ");
  return (
    <figure ref={figure} class={`tile ${kind} ${marks}`} aria-hidden={isFading}>
      <button
        type="button"
        class="picture"
        aria-label={isLarge ? `Make ${what} small` : `Make ${what} large`}
        onClick={onPick}
      >
        <video ref={video} muted playsInline />
      </button>
      <figcaption>
        <span>{what}</span>
        <IconButton
          icon="full"
          label={`${what} on the whole screen`}
          class="quiet small"
          onClick={() => void figure.current?.requestFullscreen?.()}
        />
      </figcaption>
    </figure>
  );
}

/** The tiles, and those that have gone for as long as they fade, in their places. */
function useFading(tiles: Tile[]): Faded[] {
  const shown = useRef<Faded[]>([]);
  const [, draw] = useState(0);
  shown.current = stillWanted()
    ? tiles.map((tile) => ({ tile, isFading: false }))
    : fade(shown.current, tiles);
  const leaving = shown.current
    .filter(({ isFading }) => isFading)
    .map(({ tile }) => keyOf(tile))
    .join();
  useEffect(() => {
    if (leaving === "") return;
    const timer = setTimeout(() => {
      shown.current = shown.current.filter(({ isFading }) => !isFading);
      draw((count) => count + 1);
    }, FADE);
    return () => clearTimeout(timer);
  }, [leaving]);
  return shown.current;
}

/** Whether the person wants nothing to move. */
function stillWanted(): boolean {
  return matchMedia("(prefers-reduced-motion: reduce)").matches;
}

/** How wide the place for pictures is. */
function useWidth(): number {
  const [width, setWidth] = useState(innerWidth);
  useEffect(() => {
    const place = document.querySelector(".notices");
    if (!place) return;
    const watcher = new ResizeObserver(() => setWidth(place.clientWidth));
    watcher.observe(place);
    return () => watcher.disconnect();
  }, []);
  return width;
}
