/**
 * Emotes: signs over the head of a player, shown by button or by a digit key. `EMOTES` in
 * `src/components/emote.rs` lists the same ones.
 */

export interface Emote {
  sign: string;
  name: string;
  /** What the body does with it. */
  move: Move;
}

/** A small movement, so many times: how high, in logical pixels, and how far aside, in radians. */
interface Move {
  times: number;
  hop: number;
  lean: number;
}

/** In the order of their numbers. The first nine have the keys 1 to 9. */
export const EMOTES: readonly Emote[] = [
  { sign: "👋", name: "Wave", move: { times: 3, hop: 0, lean: 0.14 } },
  { sign: "❤️", name: "Heart", move: { times: 2, hop: 3, lean: 0.05 } },
  { sign: "😂", name: "Laugh", move: { times: 5, hop: 2.5, lean: 0.04 } },
  { sign: "👏", name: "Applaud", move: { times: 4, hop: 3, lean: 0 } },
  { sign: "🎉", name: "Celebrate", move: { times: 3, hop: 9, lean: 0.08 } },
  { sign: "🤔", name: "Think", move: { times: 1, hop: 0, lean: 0.1 } },
  { sign: "👍", name: "Agree", move: { times: 2, hop: 4, lean: 0 } },
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

/** Milliseconds that the body moves with an emote. */
const MOVE_MILLIS = 1200;

/** How a body is drawn: logical pixels above the ground, and the lean in radians. */
export interface Pose {
  hop: number;
  lean: number;
}

/**
 * How the body of a player is drawn who showed an emote so many milliseconds ago, written into
 * `into`; `false` when it is at rest.
 */
export function moveWith(kind: number, age: number, into: Pose): boolean {
  const move = EMOTES[kind]?.move;
  if (!move || age < 0 || age >= MOVE_MILLIS) return false;
  const part = age / MOVE_MILLIS;
  // It begins and ends at rest.
  const strength = Math.min(1, 6 * part, 6 * (1 - part));
  const turn = Math.PI * move.times * part;
  into.hop = move.hop * Math.abs(Math.sin(turn)) * strength;
  into.lean = move.lean * Math.sin(2 * turn) * strength;
  return true;
}
