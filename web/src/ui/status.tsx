/** Status: whether a person wants to be talked to, as they chose or as their activity shows. */

import { useEffect, useState } from "preact/hooks";
import { WAVE } from "../net/own-status";
import type { Space } from "../net/space";
import { STATUS, STATUSES } from "../world/statuses";
import { notify } from "./notify";

/** Milliseconds without a key, a click or a look after which a person is away. */
const AWAY_AFTER = 5 * 60_000;

export function StatusMark({ status }: { status: number }) {
  if (status === STATUS.available) return null;
  const { name, style = "" } = STATUSES[status] ?? {};
  return <span class={`status ${style}`} role="img" aria-label={name} title={name} />;
}

export function StatusMenu({ space }: { space: Space }) {
  const [chosen, setChosen] = useState<number>(STATUS.available);
  useEffect(() => watchAway(space, () => chosen), [space, chosen]);
  const status = space.own.chosen.value;
  return (
    <label class="status-menu">
      <span class={`status ${STATUSES[status]?.style}`} aria-hidden="true" />
      <select
        aria-label="Your status"
        title="Your status"
        value={status}
        onChange={(event) => {
          const status = Number(event.currentTarget.value);
          setChosen(status);
          space.own.choose(status);
        }}
      >
        {STATUSES.map(({ name }, index) => (
          <option key={name} value={index}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Sets the status Away after a while without input, and back with the first input. */
function watchAway(space: Space, chosen: () => number): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (chosen() === STATUS.available) space.own.choose(STATUS.away);
    }, AWAY_AFTER);
  };
  const onActive = () => {
    if (document.hidden) return;
    if (space.own.chosen.value === STATUS.away && chosen() !== STATUS.away)
      space.own.choose(chosen());
    wait();
  };
  const events = ["keydown", "pointerdown", "pointermove", "visibilitychange"] as const;
  for (const event of events) document.addEventListener(event, onActive);
  wait();
  return () => {
    clearTimeout(timer);
    for (const event of events) document.removeEventListener(event, onActive);
  };
}

const WAVES = [
  (name: string) => `${name} waves at you.`,
  (name: string) => `${name} rings: they would like you to come over.`,
  (name: string) => `${name} is walking up to you.`,
  (name: string) => `${name} asks you to come along.`,
];

/** Shows a wave in the page or, while it is hidden, as a notification. */
export function tellWave(space: Space, name: string, kind: number): void {
  const words = WAVES[kind]?.(name);
  if (!words) return;
  // The other kinds are shown with buttons to answer them.
  if (kind === WAVE.approach) space.notice.value = words;
  space.onSound(kind === WAVE.ring || kind === WAVE.lead ? "chat" : "join");
  // On phones, sounds are often off.
  if (kind !== WAVE.approach) navigator.vibrate?.(60);
  notify("Plaza", words);
}
