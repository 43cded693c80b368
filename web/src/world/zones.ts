/**
 * Zone kinds: how zones look, and what a player who enters one is told, in one table; and how a
 * player on a dance floor moves.
 */

import type { Zone } from "./map";

interface ZoneKind {
  colour: number;
  /** How much of the colour the floor has, 0 to 1; 0 where the floor shows nothing. */
  floor: number;
  /** Whether the minimap has the colour, too; other zones are pale there. */
  isOnMinimap: boolean;
  /** What a player who enters it is told. */
  sentence?: string | ((zone: Zone) => string);
}

const KINDS: Record<string, ZoneKind> = {
  spawn: { colour: 0xf5d88f, floor: 0, isOnMinimap: true },
  private: {
    colour: 0xb5a0b4,
    floor: 0.2,
    isOnMinimap: true,
    sentence: "Only people in here hear you.",
  },
  silent: { colour: 0xa9d6cf, floor: 0.2, isOnMinimap: true, sentence: "No one hears you here." },
  stage: { colour: 0xe2ab4a, floor: 0.2, isOnMinimap: true, sentence: "Your audience hears you." },
  audience: { colour: 0xe2ab4a, floor: 0.1, isOnMinimap: false },
  portal: { colour: 0x6db5b5, floor: 0.2, isOnMinimap: false },
  link: { colour: 0x9db8e8, floor: 0.2, isOnMinimap: false },
  note: { colour: 0xf5d88f, floor: 0.2, isOnMinimap: false },
  voices: {
    colour: 0x8fb98a,
    floor: 0.2,
    isOnMinimap: false,
    sentence: ({ reach }) => `Voices carry ${reach === 1 ? "1 tile" : `${reach} tiles`} here.`,
  },
  dance: { colour: 0xd98cb3, floor: 0.35, isOnMinimap: true, sentence: "Stand still, and dance." },
};
const PALE = "#e0d6ca";

/** The tint of a zone's floor; `undefined` where the floor shows nothing. */
export function tintOf(kind: string): { color: number; alpha: number } | undefined {
  const { colour, floor } = KINDS[kind] ?? { colour: 0, floor: 0 };
  return floor > 0 ? { color: colour, alpha: floor } : undefined;
}

/** The colour of a zone on the minimap. */
export function minimapColour(kind: string): string {
  const known = KINDS[kind];
  return known?.isOnMinimap ? `#${known.colour.toString(16).padStart(6, "0")}` : PALE;
}

/** What a player who enters the zone is told. */
export function sentenceOf(zone: Zone): string | undefined {
  const sentence = KINDS[zone.kind]?.sentence;
  return typeof sentence === "function" ? sentence(zone) : sentence;
}

/** Beats a second on a dance floor. */
const BEATS = 2;

/** How a dancer is drawn: logical pixels above the floor, and the lean in radians. */
export interface Dance {
  hop: number;
  lean: number;
}

/**
 * How a player who stands there is drawn, in tiles, after so many seconds; `undefined` off the
 * dance floors. All hop on the beat; neighbouring player numbers lean to opposite sides.
 */
export function danceAt(
  zones: readonly Zone[],
  { x, y }: { x: number; y: number },
  player: number,
  seconds: number,
): Dance | undefined {
  const isInside = ({ kind, ...zone }: Zone) =>
    kind === "dance" &&
    x >= zone.x &&
    x < zone.x + zone.width &&
    y >= zone.y &&
    y < zone.y + zone.height;
  if (!zones.some(isInside)) return undefined;
  const turn = Math.PI * BEATS * seconds;
  return {
    hop: 5 * Math.abs(Math.sin(turn)),
    lean: (player % 2 === 0 ? 0.12 : -0.12) * Math.sin(turn),
  };
}
