/** Along: following others, and requests to talk in a bubble. */

import { useEffect } from "preact/hooks";
import type { Space } from "../net/space";

/** The player that this one follows, with a way to stop, and who follows them. */
export function Following({ space }: { space: Space }) {
  const { following, followers, people } = space;
  const leader = people.value.find(({ player }) => player === following.value);
  const names = followers.value.map(({ name }) => name);
  const count = names.length > 3 ? `${names.length} people follow you.` : undefined;
  return (
    <>
      {leader && (
        <div class="knock" role="status">
          <span>Following {leader.name}</span>
          <button type="button" class="button small" onClick={() => space.follow(null)}>
            Stop (Esc)
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
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const asker = space.askers.peek().at(-1);
      const isTyping =
        event.target instanceof HTMLElement &&
        event.target.closest("input, textarea, select, [contenteditable]");
      if (!asker || isTyping || event.ctrlKey || event.metaKey || event.altKey || event.repeat)
        return;
      if (event.key.toLowerCase() === "y") space.answerAsker(asker.player, true);
      else if (event.key.toLowerCase() === "n") space.answerAsker(asker.player, false);
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [space]);
  return (
    <>
      {space.askers.value.map(({ player, name, aside }) => (
        <div key={player} class="knock" role="alert">
          <span>
            {aside
              ? `${name} wants to talk aside with you.`
              : `${name} wants to talk in a bubble with you.`}
          </span>
          <button
            type="button"
            class="button primary small"
            onClick={() => space.answerAsker(player, true)}
          >
            Agree (Y)
          </button>
          <button
            type="button"
            class="button small"
            onClick={() => space.answerAsker(player, false)}
          >
            Not now (N)
          </button>
        </div>
      ))}
    </>
  );
}
