/**
 * Bubble: conversation bubbles: forming one with people nearby, joining, knocking, locking and
 * leaving.
 */

import { useEffect, useState } from "preact/hooks";
import { WHY } from "../media/gain";
import type { BubbleState } from "../net/codec.gen";
import type { Space } from "../net/space";
import { SHORTCUTS, withKey } from "./keys";

const LOOK_EVERY = 200;
const BUBBLE_HELP = "Asks those within two tiles; you and who agrees hear only each other";
const ASIDE_HELP =
  "Asks those within two tiles; you and who agrees hear each other well and the others softly";

const nameOf = ({ aside }: BubbleState) => (aside ? "aside" : "bubble");

/** Actions on the own bubble, or on one next to the player. */
export function BubbleActions({ space }: { space: Space }) {
  const near = useNearbyBubble(space);
  const mine = space.bubbles.mine;
  if (mine) {
    return (
      <div class="row" role="group" aria-label={`Your ${nameOf(mine)}`}>
        <button
          type="button"
          class="button small"
          aria-pressed={mine.locked}
          onClick={() => space.bubbles.lock(!mine.locked)}
        >
          {mine.locked ? `Unlock this ${nameOf(mine)}` : `Lock this ${nameOf(mine)}`}
        </button>
        <button type="button" class="button small" onClick={() => space.bubbles.leave()}>
          {withKey("Leave it", SHORTCUTS.bubble)}
        </button>
      </div>
    );
  }
  if (!near) return null;
  return (
    <button type="button" class="button small" onClick={() => space.bubbles.join(near)}>
      {near.locked ? `Knock at the ${nameOf(near)}` : `Join the ${nameOf(near)}`}
    </button>
  );
}

/** Forms a bubble with people nearby, while there are some. */
export function Gather({ space, onDone }: { space: Space; onDone?: () => void }) {
  const hasHearer = [...space.calls.peers.value.values()].some(
    ({ why, hear }) => hear && why === WHY.distance,
  );
  if (!hasHearer || space.bubbles.mine) return null;
  const gather = (isAside: boolean) => () => {
    space.bubbles.gather(isAside);
    onDone?.();
  };
  return (
    <>
      <button
        type="button"
        class="button small"
        title={withKey(BUBBLE_HELP, SHORTCUTS.bubble)}
        onClick={gather(false)}
      >
        Talk in a bubble
      </button>
      <button type="button" class="button small" title={ASIDE_HELP} onClick={gather(true)}>
        Talk aside
      </button>
    </>
  );
}

/** A bubble that the player could join, looked up a few times a second. */
function useNearbyBubble(space: Space): BubbleState | undefined {
  const [near, setNear] = useState<BubbleState | undefined>();
  useEffect(() => {
    const timer = setInterval(() => setNear(space.bubbles.near()), LOOK_EVERY);
    return () => clearInterval(timer);
  }, [space]);
  return near;
}
