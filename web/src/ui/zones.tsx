/** Zones: the zones that the player stands in: names, locks, notes and pages. */

import { useEffect, useRef, useState } from "preact/hooks";
import { here } from "../net/base";
import type { Space } from "../net/space";
import type { Zone } from "../world/map";
import { sentenceOf } from "../world/zones";
import { Askers, Following } from "./along";
import { BubbleActions } from "./bubble";
import { IconButton } from "./controls";
import { ClosedDoor, WayHome } from "./door";
import { JoinRequests } from "./join-requests";
import { useLayer } from "./layers";
import { OfferHere } from "./offers";
import { Waves } from "./waves";

const LOOK_EVERY = 200;
const NAME_MILLIS = 2500;

export function Zones({ space }: { space: Space }) {
  const here = useZones(space);
  const map = space.map.current;
  const zones = here.flatMap((index) => {
    const zone = map?.zones[index];
    return zone ? [{ index, zone }] : [];
  });
  const inside = zones.find(({ zone }) => zone.kind === "private");
  const note = zones.find(({ zone }) => zone.kind === "note" && zone.text);
  const state = inside && space.zones.states.value.get(inside.index);
  return (
    <div class="zone-actions">
      {inside && (
        <button
          type="button"
          class="button small"
          aria-pressed={state?.locked ?? false}
          onClick={() => space.zones.lock(inside.index, !state?.locked)}
        >
          {state?.locked ? "Unlock this private zone" : "Lock this private zone"}
        </button>
      )}
      <ClosedDoor space={space} />
      <WayHome space={space} />
      <Following space={space} />
      <BubbleActions space={space} />
      <Askers space={space} />
      <Waves space={space} />
      <OfferHere space={space} />
      {space.access.may("admit") && <JoinRequests space={space} />}
      {space.zones.knocks.value.map(({ player, name }) => (
        <div key={player} class="knock" role="alert">
          <span>{name} knocks.</span>
          <button
            type="button"
            class="button primary small"
            onClick={() => space.zones.answer(player, true)}
          >
            Let in
          </button>
          <button
            type="button"
            class="button small"
            onClick={() => space.zones.answer(player, false)}
          >
            Not now
          </button>
        </div>
      ))}
      {space.following.askers.value.map(({ player, name }) => (
        <div key={player} class="knock" role="alert">
          <span>{name} asks you to come along.</span>
          <button
            type="button"
            class="button primary small"
            onClick={() => space.following.answer(player, true)}
          >
            Follow
          </button>
          <button
            type="button"
            class="button small"
            onClick={() => space.following.answer(player, false)}
          >
            Not now
          </button>
        </div>
      ))}
      {note && (
        <aside class="note" aria-label={note.zone.name}>
          {note.zone.name && <h2>{note.zone.name}</h2>}
          <p>{note.zone.text}</p>
        </aside>
      )}
    </div>
  );
}

/** Shows the name of a zone for a moment when the player enters it. */
export function Entered({ space }: { space: Space }) {
  const zones = useZones(space).flatMap((index) => space.map.current?.zones[index] ?? []);
  const [shown, setShown] = useState<Zone | null>(null);
  const names = zones.map(({ kind, name }) => `${kind} ${name}`).join();
  useEffect(() => {
    const zone = zones.find((zone) => {
      const hasName = zone.kind !== "spawn" && zone.kind !== "note" && zone.name;
      return hasName || sentenceOf(zone);
    });
    setShown(zone ?? null);
    const timer = setTimeout(() => setShown(null), NAME_MILLIS);
    return () => clearTimeout(timer);
  }, [names]);
  if (!shown) return null;
  return (
    <div class="entered" role="status">
      {shown.name && <strong>{shown.name}</strong>}
      {sentenceOf(shown) && <span>{sentenceOf(shown)}</span>}
    </div>
  );
}

/** The page of a zone at the side, in a frame that keeps it from doing anything to the space. */
export function LinkPanel({ zone, onClose }: { zone: Zone; onClose: () => void }) {
  const panel = useRef<HTMLElement>(null);
  useLayer(onClose);
  if (!zone.url) return null;
  const url = here(zone.url);
  return (
    <section ref={panel} class="panel page-panel" aria-label={zone.name || "Page"}>
      <header>
        <h2>{zone.name || new URL(url, location.href).host}</h2>
        <a class="button quiet small" href={url} target="_blank" rel="noopener noreferrer">
          In a tab
        </a>
        <IconButton icon="close" label="Close the page" class="quiet small" onClick={onClose} />
      </header>
      {isOurs(url) ? (
        <OwnPage url={url} title={zone.name || url} />
      ) : (
        <OtherPage url={url} title={zone.name || url} />
      )}
    </section>
  );
}

/** The zone with a page that the person stands in. */
export function useLinkHere(space: Space): { index: number; zone: Zone } | undefined {
  const index = useZones(space).find((index) => {
    const zone = space.map.current?.zones[index];
    return zone?.kind === "link" && zone.url;
  });
  const zone = index === undefined ? undefined : space.map.current?.zones[index];
  return index === undefined || !zone ? undefined : { index, zone };
}

const isOurs = (url: string) => new URL(url, location.href).origin === location.origin;

/** A page of another site may be itself. */
function OtherPage({ url, title }: { url: string; title: string }) {
  const sandbox = "allow-scripts allow-forms allow-popups allow-same-origin";
  return (
    <iframe title={title} src={url} sandbox={sandbox} referrerpolicy="no-referrer" loading="lazy" />
  );
}

/**
 * A page of this server may not be shown in a frame: it is fetched and shown as text, without its
 * scripts.
 */
function OwnPage({ url, title }: { url: string; title: string }) {
  const [text, setText] = useState<string>();
  useEffect(() => {
    let isCurrent = true;
    const show = (text: string) => isCurrent && setText(text);
    fetch(url)
      .then(async (answer) => {
        if (!answer.ok) throw new Error(`${answer.status}`);
        show(await answer.text());
      })
      .catch(() => show("<p>This page cannot be shown. Open it in a tab.</p>"));
    return () => {
      isCurrent = false;
    };
  }, [url]);
  // A frame whose text comes later stays empty in some browsers.
  return text === undefined ? null : <iframe title={title} srcdoc={text} sandbox="allow-popups" />;
}

/** The zones that the person stands in, looked at a few times a second. */
function useZones(space: Space): number[] {
  const [here, setHere] = useState<number[]>([]);
  useEffect(() => {
    const look = () => {
      const now = space.zones.here();
      setHere((before) =>
        before.length === now.length && before.every((zone, at) => zone === now[at]) ? before : now,
      );
    };
    const timer = setInterval(look, LOOK_EVERY);
    return () => clearInterval(timer);
  }, [space]);
  return here;
}
