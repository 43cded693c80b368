/**
 * Zone kinds: how zones look, and what a player who enters one is told, in one table; and how a
 * player on a dance floor moves.
 */

import type { Zone } from "./map";

interface ZoneKind {
  /** What it is called on its sign; absent where there is no sign. */
  title?: string | ((zone: Zone) => string);
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
    title: "Private zone",
    colour: 0xb5a0b4,
    floor: 0.2,
    isOnMinimap: true,
    sentence: "Only people in here hear you.",
  },
  silent: {
    title: "Silent zone",
    colour: 0xa9d6cf,
    floor: 0.2,
    isOnMinimap: true,
    sentence: "No one hears you here.",
  },
  stage: {
    title: "Stage",
    colour: 0xe2ab4a,
    floor: 0.2,
    isOnMinimap: true,
    sentence: "Your audience hears you.",
  },
  audience: { colour: 0xe2ab4a, floor: 0.1, isOnMinimap: false },
  portal: {
    title: ({ target }) => (target?.space ? "Portal to another space" : "Portal"),
    colour: 0x6db5b5,
    floor: 0.2,
    isOnMinimap: false,
  },
  link: { title: "Page", colour: 0x9db8e8, floor: 0.2, isOnMinimap: false },
  note: { title: "Note", colour: 0xf5d88f, floor: 0.2, isOnMinimap: false },
  voices: {
    title: "Voices carry differently",
    colour: 0x8fb98a,
    floor: 0.2,
    isOnMinimap: false,
    sentence: ({ reach }) => `Voices carry ${reach === 1 ? "1 tile" : `${reach} tiles`} here.`,
  },
  dance: {
    title: "Dance floor",
    colour: 0xd98cb3,
    floor: 0.35,
    isOnMinimap: true,
    sentence: "Stand still, and dance.",
  },
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

/** What is on the sign of a zone: its name, and what kind of zone it is. */
export function signOf(zone: Zone): { name: string; kind: string } | undefined {
  const title = KINDS[zone.kind]?.title;
  const kind = typeof title === "function" ? title(zone) : title;
  if (!kind) return undefined;
  // A dance floor that is called so needs no second line.
  return zone.name && zone.name !== kind ? { name: zone.name, kind } : { name: kind, kind: "" };
}

/** Tiles from which the sign of a zone is seen, and from which that of a portal. */
const SIGN_NEAR = 3;
const PORTAL_NEAR = 10;

/**
 * Whether a player who stands there, in tiles, sees the sign of the zone: from near, before they
 * step in, and not inside.
 */
export function seesSign(zone: Zone, x: number, y: number): boolean {
  const across = Math.max(zone.x - x, 0, x - (zone.x + zone.width));
  const down = Math.max(zone.y - y, 0, y - (zone.y + zone.height));
  const away = Math.hypot(across, down);
  return away > 0 && away <= (zone.kind === "portal" ? PORTAL_NEAR : SIGN_NEAR);
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
