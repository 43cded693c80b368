/**
 * Emotes: signs over the head of a player, shown by button or by a digit key. `EMOTES` in
 * `src/components/emote.rs` lists the same ones.
 */

export interface Emote {
  sign: string;
  name: string;
}

/** In the order of their numbers. The first nine have the keys 1 to 9. */
export const EMOTES: readonly Emote[] = [
  { sign: "👋", name: "Wave" },
  { sign: "❤️", name: "Heart" },
  { sign: "😂", name: "Laugh" },
  { sign: "👏", name: "Applaud" },
  { sign: "🎉", name: "Celebrate" },
  { sign: "🤔", name: "Think" },
  { sign: "👍", name: "Agree" },
];

/** The key of an emote; `undefined` when it has none. */
export function keyOf(kind: number): string | undefined {
  return kind < 9 ? String(kind + 1) : undefined;
}

/** The emote of a key. */
export function emoteOf(key: string): number | undefined {
  const kind = EMOTES.findIndex((_, kind) => keyOf(kind) === key);
  return kind < 0 ? undefined : kind;
}
