/** Direct: the list of conversations, and the direct messages of one. */

import { Fragment } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Direct, ShownDirectMessage } from "../net/direct";
import type { Space } from "../net/space";
import { plain } from "../world/markdown";
import { beginsDay } from "../world/message-groups";
import { Composer } from "./composer";
import { Face, Icon, IconButton } from "./controls";
import { Day } from "./day";
import { rove } from "./focus";
import { timeOf } from "./message";
import { Rich } from "./rich";
import { useMessageScroll } from "./scroll";

/** As much of a space as direct messages need; the lobby has no people. */
export interface DirectPlace {
  direct: Direct;
  people: Pick<Space["people"], "all" | "me">;
}

interface DirectProps {
  space: DirectPlace;
  input: { current: HTMLTextAreaElement | null };
}

export function DirectTab({ space, input }: DirectProps) {
  const { direct } = space;
  useEffect(() => direct.read(), []);
  return direct.other.value ? (
    <DirectMessages space={space} input={input} />
  ) : (
    <Conversations space={space} />
  );
}

function Conversations({ space }: { space: DirectPlace }) {
  const { direct } = space;
  const conversations = direct.conversations.value;
  return (
    <ul
      class="list conversations"
      aria-label="Conversations"
      onKeyDown={(event) => rove(event, ".person")}
    >
      {direct.problem.value && <li class="error">{direct.problem.value}</li>}
      {conversations.length === 0 && <NoConversations space={space} />}
      {conversations.map(({ userId, username, imageUrl, last, unread }) => (
        <li key={userId}>
          <button type="button" class="person" onClick={() => void direct.open(userId, username)}>
            <Face imageUrl={imageUrl} />
            <span class="grow">
              <strong>{username}</strong>
              {unread > 0 && <span class="visually-hidden">{unread} unread</span>}
              <span class="last muted small">{plain(last.text)}</span>
            </span>
            <span class="when muted small">{timeOf(new Date(last.at))}</span>
            {unread > 0 && (
              <span class="count" aria-hidden="true">
                {unread}
              </span>
            )}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** People here to write to, most of them when there are many. */
const OFFERED = 5;

/** Nothing was written to anyone yet: people who are here are offered. */
function NoConversations({ space }: { space: DirectPlace }) {
  const { people, direct } = space;
  const others = people.all.value.filter(({ player }) => player !== people.me);
  return (
    <li class="nothing-yet">
      <Icon name="chat" />
      <strong>No direct messages yet</strong>
      <span class="muted small">
        {others.length > 0
          ? "Only the two of you see what you write. Write to a person here:"
          : "Only the two of you see what you write. When others are here, you can write to them."}
      </span>
      {others.slice(0, OFFERED).map(({ user, name, avatar }) => (
        <button
          key={user}
          type="button"
          class="person"
          onClick={() => void direct.open(user, name)}
        >
          <Face imageUrl={avatar?.imageUrl ?? null} />
          <span>{name}</span>
        </button>
      ))}
    </li>
  );
}

function DirectMessages({ space, input }: DirectProps) {
  const { direct } = space;
  const other = direct.other.value;
  const messages = direct.messages.value;
  const scroll = useMessageScroll(messages, () => false);
  const [draft, setDraft] = useState<ShownDirectMessage | null>(null);
  const people = space.people.all.value;
  const isHere = people.some(({ user }) => user === other?.id);
  return (
    <>
      <div class="with">
        <IconButton
          icon="back"
          label="All conversations"
          class="quiet small"
          onClick={() => direct.close()}
        />
        <strong>{other?.name}</strong>
        {people.length > 0 && <span class="muted small">{isHere ? "here" : "elsewhere"}</span>}
      </div>
      <div
        ref={scroll.list}
        class="list"
        role="log"
        aria-live="polite"
        aria-label={`With ${other?.name}`}
        tabIndex={0}
        onScroll={scroll.scrolled}
      >
        <DirectItems
          space={space}
          onLookBack={() => {
            scroll.keepPlace();
            void direct.lookBack();
          }}
          onEdit={(message) => {
            direct.takeBack(message.id);
            setDraft(message);
            requestAnimationFrame(() => input.current?.focus());
          }}
        />
      </div>
      <Composer
        key={`${other?.id} ${draft?.id}`}
        input={input}
        draft={draft?.text ?? ""}
        label={`Message to ${other?.name ?? ""}`}
        placeholder={`Write to ${other?.name ?? ""}`}
        people={[]}
        conversation={`direct ${other?.id ?? ""}`}
        onSay={(text) => {
          scroll.toEnd();
          void direct.write(text);
        }}
        onLeave={() => document.querySelector<HTMLElement>(".world")?.focus()}
      />
    </>
  );
}

interface DirectItemsProps {
  space: DirectPlace;
  onLookBack: () => void;
  /** A message that was not sent is to be written in other words. */
  onEdit: (message: ShownDirectMessage) => void;
}

function DirectItems({ space, onLookBack, onEdit }: DirectItemsProps) {
  const { direct } = space;
  const messages = direct.messages.value;
  const other = direct.other.value;
  const sideOf = ({ from }: ShownDirectMessage) => (from === other?.id ? "" : "mine");
  const me = space.people.all.value.find(({ player }) => player === space.people.me)?.name ?? "";
  const names = useMemo(() => ({ me, others: [] }), [me]);
  return (
    <ul class="messages">
      {direct.hasEarlier.value && (
        <li class="earlier">
          <button type="button" class="button small" onClick={onLookBack}>
            Earlier messages
          </button>
        </li>
      )}
      {direct.problem.value && <li class="error">{direct.problem.value}</li>}
      {messages.length === 0 && <li class="muted">Only the two of you see what you write here.</li>}
      {messages.map((message, index) => (
        <Fragment key={message.id}>
          {beginsDay(messages[index - 1], message) && <Day at={message.at} />}
          <li class={`message direct-message ${sideOf(message)} ${stateOf(message)}`}>
            <div class="text" dir="auto">
              <Rich text={message.text} names={names} />
            </div>
            <time class="when" dateTime={new Date(message.at).toISOString()}>
              {message.isWaiting ? "sending…" : timeOf(new Date(message.at))}
            </time>
            {message.refused && (
              <div class="why">
                <span>{message.refused}</span>
                <button type="button" class="button small" onClick={() => onEdit(message)}>
                  Edit
                </button>
              </div>
            )}
          </li>
        </Fragment>
      ))}
    </ul>
  );
}

/** The CSS class of a message that is not sent. */
function stateOf({ isWaiting, refused }: ShownDirectMessage): string {
  return isWaiting ? "waiting" : refused ? "failed" : "";
}
