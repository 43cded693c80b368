/** Moderation: what moderators do about a person in a space, for how long, and in which words. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export type ModerationKind = "kick" | "mute" | "ban";

/** What a person can be muted in, and its words. */
export const MUTED = [
  { what: "chat", label: "Writing and reactions" },
  { what: "voice", label: "Microphone" },
  { what: "video", label: "Camera and screen" },
] as const;

export type Muted = (typeof MUTED)[number]["what"];

interface Terms {
  /** What the button says. */
  verb: string;
  /** What happens to the person. */
  effect: string;
  /** How long, in milliseconds; `null` until it is lifted. The usual one first chosen. */
  lasts: readonly (number | null)[];
  usual: number | null;
  /** What the time is of. */
  timeLabel: string;
}

export const MODERATION: Record<ModerationKind, Terms> = {
  kick: {
    verb: "Kick",
    effect: "They are out at once, and may come back after that time.",
    lasts: [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR],
    usual: 5 * MINUTE,
    timeLabel: "May come back after",
  },
  mute: {
    verb: "Mute",
    effect: "They are told in what, and until when.",
    lasts: [10 * MINUTE, HOUR, DAY, null],
    usual: 10 * MINUTE,
    timeLabel: "For",
  },
  ban: {
    verb: "Ban",
    effect: "They are out at once, and lose their role here.",
    lasts: [HOUR, DAY, 7 * DAY, null],
    usual: DAY,
    timeLabel: "For",
  },
};

/** What is taken away, in a sentence: "in the chat and by microphone". */
export function mutedIn(what: readonly Muted[]): string {
  const words: Record<Muted, string> = {
    chat: "in the chat",
    voice: "by microphone",
    video: "by camera or screen",
  };
  return sentenceOf(what.map((one) => words[one]));
}

/** "a", "a and b", "a, b and c". */
const sentenceOf = (words: readonly string[]) =>
  [words.slice(0, -1).join(", "), ...words.slice(-1)].filter(Boolean).join(" and ");
