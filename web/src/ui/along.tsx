/** Along: following others, and requests to talk in a bubble. */

import type { Space } from "../net/space";
import { useShortcuts } from "./keyboard";
import { SHORTCUTS, withKey } from "./keys";

/** The player that this one follows, with a way to stop, and who follows them. */
export function Following({ space }: { space: Space }) {
  const { following, people } = space;
  const leader = people.all.value.find(({ player }) => player === following.leader.value);
  const names = following.followers.value.map(({ name }) => name);
  const count = names.length > 3 ? `${names.length} people follow you.` : undefined;
  return (
    <>
      {leader && (
        <div class="knock" role="status">
          <span>Following {leader.name}</span>
          <button type="button" class="button small" onClick={() => space.following.stop()}>
            {withKey("Stop", SHORTCUTS.leave)}
          </button>
        </div>
      )}
      {names.length > 0 && (
        <div class="knock" role="status">
          <span>
            {count ?? `${names.join(", ")} ${names.length === 1 ? "follows" : "follow"} you.`}
          </span>
        </div>
      )}
    </>
  );
}

/**
 * A person joins a bubble only by consent: they answer by button or key, and hear others as before
 * until then.
 */
export function Askers({ space }: { space: Space }) {
  const answer = (agrees: boolean) => () => {
    const asker = space.bubbles.askers.peek().at(-1);
    if (asker) space.bubbles.answer(asker.player, agrees);
  };
  useShortcuts([SHORTCUTS.agree, answer(true)], [SHORTCUTS.decline, answer(false)]);
  return (
    <>
      {space.bubbles.askers.value.map(({ player, name, aside }) => (
        <div key={player} class="knock" role="alert">
          <span>
            {aside
              ? `${name} wants to talk aside with you.`
              : `${name} wants to talk in a bubble with you.`}
          </span>
          <button
            type="button"
            class="button primary small"
            onClick={() => space.bubbles.answer(player, true)}
          >
            {withKey("Agree", SHORTCUTS.agree)}
          </button>
          <button
            type="button"
            class="button small"
            onClick={() => space.bubbles.answer(player, false)}
          >
            {withKey("Not now", SHORTCUTS.decline)}
          </button>
        </div>
      ))}
    </>
  );
}
