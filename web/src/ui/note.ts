/** Note: a sentence that says what has just been done, and goes by itself. */

import { useEffect, useState } from "preact/hooks";

/** Milliseconds that it stays. */
const STAYS = 5000;

export function useNote(): { words: string; say: (words: string, stays?: boolean) => void } {
  const [note, setNote] = useState({ words: "", stays: false });
  useEffect(() => {
    if (note.words === "" || note.stays) return;
    const timer = setTimeout(() => setNote({ words: "", stays: false }), STAYS);
    return () => clearTimeout(timer);
  }, [note]);
  return { words: note.words, say: (words, stays = false) => setNote({ words, stays }) };
}
