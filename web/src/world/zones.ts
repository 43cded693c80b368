/** Zone kinds: how zones look, and what a player is told who enters one, in one table. */

import type { Zone } from "./map";

interface ZoneKind {
  colour: number;
  /** How much of the colour the floor has, 0 to 1; 0 where the floor shows nothing. */
  floor: number;
  /** Whether the minimap has the colour, too; other zones are pale there. */
  isOnMinimap: boolean;
  /** What a player is told who enters it. */
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

/** What a player is told who enters the zone. */
export function sentenceOf(zone: Zone): string | undefined {
  const sentence = KINDS[zone.kind]?.sentence;
  return typeof sentence === "function" ? sentence(zone) : sentence;
}
