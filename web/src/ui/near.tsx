/**
 * Near: the people in a conversation with this one, each with a face that fades with the distance,
 * and who can hear this person. People with a camera have a tile in `tiles.tsx`.
 */

import { useEffect, useState } from "preact/hooks";
import type { Call } from "../media/call";
import { volumeOf } from "../media/gain";
import type { Card, Peer } from "../net/codec.gen";
import type { Space } from "../net/space";
import { type Near, shownOf, stepped, whoHears } from "../world/near";
import { Face, Icon } from "./controls";
import { SHORTCUTS } from "./keys";

/** Milliseconds between two looks at how far people are. */
const LOOK_EVERY = 250;
/** Milliseconds that the person is told who hears them. */
const TOLD_MILLIS = 15_000;
/** Faces in a wide window and in a narrow one. */
const MOST = { wide: 6, narrow: 4 };
/** The bit of a card that says that the microphone is on. */
const MICROPHONE = 1;

interface NearProps {
  space: Space;
  call: Call;
  /** Opens the card of a player. */
  onPick: (player: number) => void;
}

export function NearPeople({ space, call, onPick }: NearProps) {
  const people = useNear(space);
  const withCamera = new Set(
    call.tiles.value.filter(({ kind }) => kind === "camera").map(({ player }) => player),
  );
  const faces = people.filter(({ player }) => !withCamera.has(player));
  const most = innerWidth < 640 ? MOST.narrow : MOST.wide;
  const { shown, more } = shownOf(faces, most);
  if (people.length === 0) return null;
  return (
    <section class="near" aria-label="Near you">
      {shown.length > 0 && (
        <div class="near-row">
          {shown.map((person) => (
            <FaceTile
              key={person.player}
              person={person}
              isSpeaking={call.speaking.value.has(person.player)}
              onPick={() => onPick(person.player)}
            />
          ))}
          {more > 0 && <span class="near-more">+{more}</span>}
        </div>
      )}
      <Hearing call={call} people={people} />
    </section>
  );
}

/** A person near, with what is known of their card. */
interface NearPerson extends Near {
  card: Card;
}

function FaceTile({
  person,
  isSpeaking,
  onPick,
}: {
  person: NearPerson;
  isSpeaking: boolean;
  onPick: () => void;
}) {
  const { card, hear, heard, strength } = person;
  const isOn = (card.media & MICROPHONE) !== 0;
  const state = !heard ? "does not hear you" : isOn ? "microphone on" : "microphone off";
  return (
    <button
      type="button"
      class={`near-tile ${isSpeaking ? "speaking" : ""}`}
      style={{ "--strength": hear ? strength : 0.4 }}
      aria-label={`${card.name}, ${state}${isSpeaking ? ", speaking" : ""}`}
      title={`${card.name}, ${state}`}
      onClick={onPick}
    >
      <Face imageUrl={card.avatar?.imageUrl ?? null} />
      <span class="near-name" aria-hidden="true">
        <span>{card.name}</span>
        <span class={isOn ? "on" : "off"}>
          <Icon name={isOn ? "microphone" : "microphoneOff"} />
        </span>
      </span>
    </button>
  );
}

/** Tells for a while who can hear this person, and how to talk to them. */
function Hearing({ call, people }: { call: Call; people: readonly NearPerson[] }) {
  const names = people.filter(({ heard }) => heard).map(({ card }) => card.name);
  const words = whoHears(names);
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    setOver(false);
    const timer = setTimeout(() => setOver(true), TOLD_MILLIS);
    return () => clearTimeout(timer);
  }, [words]);
  if (words === undefined || isOver || call.isOn.microphone.value) return null;
  const isTouch = matchMedia("(pointer: coarse)").matches;
  return (
    <p class="near-words" role="status">
      <strong>{words}</strong>
      {" · "}
      {isTouch ? (
        <>
          <Icon name="microphoneOff" />
          <span class="visually-hidden">the microphone</span>
        </>
      ) : (
        SHORTCUTS.microphone.shown
      )}
      {" to talk"}
    </p>
  );
}

/** The people near, looked at when they change, and a few times a second for how far they are. */
function useNear(space: Space): NearPerson[] {
  const peers = space.calls.peers.value;
  const cards = space.people.all.value;
  const [, look] = useState("");
  useEffect(() => {
    if (peers.size === 0) return;
    const timer = setInterval(() => {
      // The same text again draws nothing.
      look([...peers.values()].map((peer) => strengthOf(space, peer)).join());
    }, LOOK_EVERY);
    return () => clearInterval(timer);
  }, [space, peers]);
  return [...peers.values()].flatMap((peer) => {
    const card = cards.find(({ player }) => player === peer.player);
    if (!card || !(peer.hear || peer.heard)) return [];
    const { player, hear, heard } = peer;
    return [{ player, hear, heard, card, strength: strengthOf(space, peer) }];
  });
}

/** How loud a person is heard where they stand now. */
function strengthOf(space: Space, peer: Peer): number {
  const distance = space.walking.distanceTo(peer.player);
  return stepped(volumeOf(peer, distance, space.calls.reachTo(peer.player)));
}
