/** Network: figures of the connection to the server. */

import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { bytesText, Meter } from "../net/meter";
import type { Space } from "../net/space";
import { SUBTILES } from "../world/movement";
import { IconButton } from "./controls";
import { useLayer } from "./layers";

/** Milliseconds between two readings. */
const EVERY = 400;

export const isNetworkShown = signal(false);

export function toggleNetwork(): void {
  isNetworkShown.value = !isNetworkShown.value;
}

/** The figures; reads them only while it is there. */
export function Network({ space }: { space: Space }) {
  useLayer(toggleNetwork);
  const [rows, setRows] = useState<[name: string, value: string][]>([]);
  useEffect(() => {
    const meter = new Meter();
    const read = () => setRows(rowsOf(space, meter));
    read();
    const timer = setInterval(read, EVERY);
    return () => clearInterval(timer);
  }, [space]);
  return (
    <section class="network" aria-label="Network figures">
      <header>
        <h2>Network</h2>
        <IconButton
          icon="close"
          label="Close network figures"
          class="quiet small"
          onClick={toggleNetwork}
        />
      </header>
      <dl>
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function rowsOf(space: Space, meter: Meter): [string, string][] {
  const { frames, frameBytes, received, tick, step } = space.figures;
  const { roundTrip, sent } = space;
  const { lateness, delay } = space.people;
  const rates = meter.read({ at: performance.now(), frames, received, sent });
  const { corrections = 0, largest = 0, pending = 0 } = space.walking.prediction ?? {};
  const farthest = corrections > 0 ? `, ≤ ${(largest / SUBTILES).toFixed(1)} tiles` : "";
  return [
    ["Round trip", roundTrip > 0 ? millis(roundTrip) : "…"],
    ["Jitter", millis(lateness)],
    ["Others drawn late by", millis(delay)],
    ["Frame", bytesText(frameBytes)],
    ["Frames", `${rates.framesPerSecond.toFixed(1)} /s`],
    ["Received", `${bytesText(rates.receivedPerSecond)}/s`],
    ["Sent", `${bytesText(rates.sentPerSecond)}/s`],
    ["Server tick", String(tick)],
    ["Corrections", `${corrections}${farthest}`],
    ["Inputs under way", String(pending)],
    ["Overload step", String(step)],
  ];
}

function millis(time: number): string {
  return `${Math.round(time)} ms`;
}

/** Says why others move in jumps when the space gives up something. */
export function Crowded({ space }: { space: Space }) {
  return space.step.value === 0 ? null : (
    <p class="crowded" role="status">
      This space is very full: far away people move less often.
    </p>
  );
}
