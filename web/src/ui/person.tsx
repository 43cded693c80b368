/** Person: the card of a player, with what can be done with them. */

import { useRef } from "preact/hooks";
import type { Call } from "../media/call";
import { here } from "../net/base";
import type { Card } from "../net/codec.gen";
import { WAVE } from "../net/own-status";
import type { Space } from "../net/space";
import { Gather } from "./bubble";
import { Volume } from "./call";
import { IconButton } from "./controls";
import { useFocusInside } from "./focus";
import { useLayer } from "./layers";
import { Manage } from "./manage";
import { ReportButton } from "./report";
import { StatusMark } from "./status";

interface PersonProps {
  space: Space;
  call: Call;
  person: Card;
  onMessage: () => void;
  onClose: () => void;
}

export function PersonCard({ space, call, person, onMessage, onClose }: PersonProps) {
  const { player, user, name, avatar } = person;
  const isMe = player === space.people.me;
  const isPeer = space.calls.peers.value.get(player)?.hear;
  const isBlocked = space.people.blocked.value.has(user);
  const isFollowed = space.following.leader.value === player;
  const short = name.length > 12 ? "them" : name;
  const act = (what: () => void) => () => {
    what();
    onClose();
    document.querySelector<HTMLElement>(".world")?.focus();
  };
  const card = useRef<HTMLElement>(null);
  useLayer(onClose);
  useFocusInside(card);
  return (
    <section ref={card} class="who-card" role="dialog" aria-label={name} tabIndex={-1}>
      <img src={here(avatar?.imageUrl ?? "/art/avatars/robot.svg")} alt="" />
      <div class="name">
        {name} <StatusMark status={person.status} />
      </div>
      <IconButton icon="close" label="Close" class="quiet small" onClick={onClose} />
      {!isMe && (
        <div class="card-actions">
          <button
            type="button"
            class="button primary small"
            onClick={act(() => space.walking.toPlayer(player))}
          >
            Walk to {short}
          </button>
          <button type="button" class="button small" onClick={onMessage}>
            Message
          </button>
          <button
            type="button"
            class="button small"
            aria-pressed={isFollowed}
            onClick={act(() =>
              isFollowed ? space.following.stop() : space.following.follow(player),
            )}
          >
            {isFollowed ? "Stop following" : "Follow"}
          </button>
          <button type="button" class="button small" onClick={act(() => space.wave(player))}>
            Wave
          </button>
          <button
            type="button"
            class="button small"
            onClick={act(() => space.own.wave(player, WAVE.ring))}
          >
            Ring
          </button>
          <button type="button" class="button small" onClick={act(() => space.own.lead(player))}>
            Ask to come along
          </button>
          <button
            type="button"
            class="button small danger"
            onClick={act(() => space.people.block(user, !isBlocked))}
          >
            {isBlocked ? "Unblock" : "Block"}
          </button>
          <ReportButton space={space} person={{ user, name }} />
          {isPeer && <Gather space={space} onDone={onClose} />}
          {isPeer && <Volume call={call} player={player} user={user} name={name} />}
          <Manage space={space} person={person} />
        </div>
      )}
    </section>
  );
}
