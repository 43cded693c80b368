/** Note: a sentence that says what has just been done, and goes by itself. */

import { useEffect, useState } from "preact/hooks";

/** Milliseconds that it stays. */
export const STAYS = 5000;

interface Note {
  words: string;
  stays: boolean;
}

const NOTHING: Note = { words: "", stays: false };

/** Lets the note go after its time, unless it is to stay; returns how to call that off. */
export function letGo(note: Note, set: (note: Note) => void): (() => void) | undefined {
  if (note.words === "" || note.stays) return undefined;
  const timer = setTimeout(() => set(NOTHING), STAYS);
  return () => clearTimeout(timer);
}

export function useNote(): { words: string; say: (words: string, stays?: boolean) => void } {
  const [note, setNote] = useState(NOTHING);
  useEffect(() => letGo(note, setNote), [note]);
  return { words: note.words, say: (words, stays = false) => setNote({ words, stays }) };
}
