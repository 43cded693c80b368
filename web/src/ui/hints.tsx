/** Hints: how to walk and how to talk, for a person who is in a space for the first time. */

import { useEffect, useState } from "preact/hooks";
import type { Call } from "../media/call";
import type { Space } from "../net/space";
import { doneBefore, type Hint, nextHint, remember } from "../world/hints";
import { IconButton } from "./controls";
import { SHORTCUTS } from "./keys";

const LOOK_EVERY = 200;

const isTouch = () => matchMedia("(pointer: coarse)").matches;

const WORDS: Record<Hint, () => string> = {
  walk: () =>
    isTouch()
      ? "Tap where you would like to go."
      : "Walk with the arrow keys or W A S D, or click where you would like to go.",
  talk: () =>
    isTouch()
      ? "To talk, walk up to people and switch the microphone on. To write, open the chat."
      : "To talk, walk up to people and switch the microphone on " +
        `(${SHORTCUTS.microphone.shown}). To write, press ${SHORTCUTS.chat.shown}.`,
};

export function Hints({ space, call }: { space: Space; call: Call }) {
  const [done, setDone] = useState(doneBefore);
  const hint = nextHint(done);
  const finish = (which: Hint) =>
    setDone((before) => {
      const after = new Set(before).add(which);
      remember(after);
      return after;
    });
  useWalked(space, hint === "walk", () => finish("walk"));
  const hasTalked = useTalked(space, call);
  useEffect(() => {
    if (hasTalked) finish("talk");
  }, [hasTalked]);
  if (!hint) return null;
  return (
    <div class="hint" role="status">
      <span>{WORDS[hint]()}</span>
      <IconButton
        icon="close"
        label="Put this hint away"
        class="quiet small"
        onClick={() => finish(hint)}
      />
    </div>
  );
}

/** Calls when the player stands on another tile than at first. */
function useWalked(space: Space, isWatched: boolean, onWalked: () => void): void {
  useEffect(() => {
    if (!isWatched) return;
    let first: { x: number; y: number } | undefined;
    const timer = setInterval(() => {
      const now = space.walking.tile;
      first ??= now;
      if (now && first && (now.x !== first.x || now.y !== first.y)) onWalked();
    }, LOOK_EVERY);
    return () => clearInterval(timer);
  }, [isWatched]);
}

/** Whether the person has said or written something. */
function useTalked(space: Space, call: Call): boolean {
  const hasWritten = space.conversation.messages.value.some(
    ({ player }) => player === space.people.me,
  );
  return call.isOn.microphone.value || (hasWritten && space.people.me !== 0);
}
