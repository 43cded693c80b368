/** Tiles: the pictures of people and screens: a row of them, one large, or one on the whole screen. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Call, Tile } from "../media/call";
import { IconButton } from "./parts";

/** Width of a tile with the space around it, in CSS pixels. */
const TILE_WIDTH = 176;

const keyOf = ({ player, kind }: Tile) => `${player} ${kind}`;

export function Tiles({ call }: { call: Call }) {
  const [large, setLarge] = useState<string | null>(null);
  const width = useWidth();
  const tiles = call.tiles.value;
  if (tiles.length === 0) return null;
  const spotlight = tiles.find((tile) => keyOf(tile) === large);
  // Every picture costs the machine something: those that find no room are not decoded.
  const room = Math.max(2, Math.floor((width - 32) / TILE_WIDTH));
  const row = tiles.filter((tile) => tile !== spotlight).slice(0, room);
  const hidden = tiles.length - row.length - (spotlight ? 1 : 0);
  return (
    <section class="tiles" aria-label="Pictures">
      <div class="tile-row">
        {row.map((tile) => (
          <Picture key={keyOf(tile)} tile={tile} call={call} onPick={() => setLarge(keyOf(tile))} />
        ))}
        {hidden > 0 && <span class="tag">{hidden} more</span>}
      </div>
      {spotlight && (
        <Picture key={`large ${keyOf(spotlight)}`} tile={spotlight} call={call} isLarge onPick={() => setLarge(null)} />
      )}
    </section>
  );
}

function Picture({ tile, call, isLarge, onPick }: { tile: Tile; call: Call; isLarge?: boolean; onPick: () => void }) {
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
  return (
    <figure
      ref={figure}
      class={`tile ${kind} ${isLarge ? "large" : ""} ${isSpeaking ? "speaking" : ""} ${isMe ? "mine" : ""}`}
    >
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

function useWidth(): number {
  const [width, setWidth] = useState(innerWidth);
  useEffect(() => {
    const onResize = () => setWidth(innerWidth);
    addEventListener("resize", onResize);
    return () => removeEventListener("resize", onResize);
  }, []);
  return width;
}
