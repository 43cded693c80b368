/**
 * Keys: the keyboard shortcuts in a space, in one table: those who listen, labels and help take
 * them from here. A test compares `public/help.html` with it.
 */

import { EMOTES } from "../world/emotes";

export interface Shortcut {
  /** What `KeyboardEvent.key` is, in lower case. */
  keys: readonly string[];
  /** What is printed on the key. */
  shown: string;
}

export const SHORTCUTS = {
  chat: { keys: ["enter"], shown: "Enter" },
  closer: { keys: ["+", "="], shown: "+" },
  farther: { keys: ["-"], shown: "-" },
  home: { keys: ["h"], shown: "H" },
  leave: { keys: ["escape"], shown: "Esc" },
  network: { keys: ["f3"], shown: "F3" },
  microphone: { keys: ["m"], shown: "M" },
  camera: { keys: ["v"], shown: "V" },
  talk: { keys: [" "], shown: "Space" },
  bubble: { keys: ["b"], shown: "B" },
  wave: { keys: ["g"], shown: "G" },
  agree: { keys: ["y"], shown: "Y" },
  decline: { keys: ["n"], shown: "N" },
} as const satisfies Record<string, Shortcut>;

/** What a screen reader says of the world. */
export const WORLD_HELP =
  "The space. Walk with the arrow keys or W A S D, hold Shift to run, " +
  `press ${SHORTCUTS.chat.shown} to chat, 1 to ${Math.min(9, EMOTES.length)} to show an emote, ` +
  `${SHORTCUTS.home.shown} to go to the entrance, ${SHORTCUTS.network.shown} for network figures.`;

/** Whether it is the key of a shortcut. */
export function is(event: KeyboardEvent, shortcut: Shortcut): boolean {
  return shortcut.keys.includes(event.key.toLowerCase());
}

/** A label with the key that does the same. */
export function withKey(label: string, { shown }: Shortcut): string {
  return `${label} (${shown})`;
}
