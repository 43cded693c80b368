/** Waves: who waves at this person, with one key to answer; the same key waves at the nearest. */

import { useEffect } from "preact/hooks";
import { WAVE } from "../net/own-status";
import type { Space } from "../net/space";
import { IconButton } from "./controls";
import { useShortcuts } from "./keyboard";
import { SHORTCUTS, withKey } from "./keys";

/** Milliseconds in which a wave can be answered. */
const ANSWER_MILLIS = 15_000;
/** Tiles within which the key waves at the nearest person. */
const WAVE_WITHIN = 12;

export function Waves({ space }: { space: Space }) {
  const wave = space.waves.value.at(-1);
  useEffect(() => {
    if (!wave) return;
    const timer = setTimeout(() => space.forgetWave(wave.player), ANSWER_MILLIS);
    return () => clearTimeout(timer);
  }, [wave]);
  useShortcuts([SHORTCUTS.wave, () => (wave ? answer(space) : waveAtNearest(space))]);
  if (!wave) return null;
  const isRing = wave.kind === WAVE.ring;
  return (
    <div class="knock wave" role="alert">
      <span>
        <span aria-hidden="true">👋 </span>
        {isRing
          ? `${wave.name} rings: they would like you to come over.`
          : `${wave.name} waves at you.`}
      </span>
      <button type="button" class="button primary small" onClick={() => answer(space)}>
        {withKey(isRing ? "Walk over" : "Wave back", SHORTCUTS.wave)}
      </button>
      <IconButton
        icon="close"
        label="Put the wave away"
        class="quiet small"
        onClick={() => space.forgetWave(wave.player)}
      />
    </div>
  );
}

/** Answers the last wave: waves back, or walks to a person who rang. */
function answer(space: Space): void {
  const wave = space.waves.peek().at(-1);
  if (!wave) return;
  space.forgetWave(wave.player);
  if (wave.kind === WAVE.ring) {
    space.own.wave(wave.player, WAVE.approach);
    space.walking.toPlayer(wave.player);
  } else space.wave(wave.player);
}

function waveAtNearest(space: Space): void {
  const { people, walking } = space;
  const [nearest] = people.all
    .peek()
    .filter(({ player }) => player !== people.me)
    .map(({ player, name }) => ({ player, name, far: walking.distanceTo(player) }))
    .filter(({ far }) => far <= WAVE_WITHIN)
    .sort((one, other) => one.far - other.far);
  if (!nearest) {
    space.notice.value = "No one is near enough to wave at.";
    return;
  }
  space.wave(nearest.player);
  space.notice.value = `You waved at ${nearest.name}.`;
}
