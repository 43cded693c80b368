/** Messages: the messages of the space or of those nearby, and the field to write another one. */

import { Fragment } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ANNOUNCEMENT, type Conversation, NEARBY, SPACE } from "../net/conversation";
import type { ShownMessage } from "../net/message-list";
import type { Space } from "../net/space";
import { plain } from "../world/markdown";
import { beginsDay, continues } from "../world/message-groups";
import { Composer } from "./composer";
import { Icon, IconButton, Spinner } from "./controls";
import { Day } from "./day";
import { MessageItem } from "./message";
import { type KnownNames, useNames } from "./names";
import { ReportDialog } from "./report";
import { useMessageScroll } from "./scroll";
import { Typing } from "./typing";

/** The field for messages. */
type Input = { current: HTMLTextAreaElement | null };

interface MessagesTabProps {
  space: Space;
  input: Input;
  isNearby: boolean;
  /** Id of the newest message when the person looked away. */
  readUpTo: string | null;
}

export function MessagesTab({ space, input, isNearby, readUpTo }: MessagesTabProps) {
  const { conversation } = space;
  const known = useNames(space);
  const all = conversation.messages.value;
  const scroll = useMessageScroll(all, () => conversation.isLookingBack.peek());
  const writing = useWriting(conversation, isNearby, input, scroll.toEnd);
  const { editing, announces } = writing;
  const lookBack = () => {
    if (conversation.isLookingBack.value) return;
    scroll.keepPlace();
    void conversation.lookBack();
  };
  return (
    <>
      <div
        ref={scroll.list}
        class="list"
        role="log"
        aria-label="Messages"
        aria-live="polite"
        tabIndex={0}
        onScroll={() => {
          if (scroll.scrolled() && conversation.hasEarlier.value && !isNearby) lookBack();
        }}
      >
        <ul class="messages">
          {!isNearby && <Earlier conversation={conversation} onLookBack={lookBack} />}
          <Items
            space={space}
            isNearby={isNearby}
            readUpTo={readUpTo}
            known={known}
            onReply={writing.reply}
            onEdit={writing.edit}
            onWrite={() => input.current?.focus()}
          />
        </ul>
      </div>
      <Typing space={space} />
      <Context editing={editing} replyTo={writing.replyTo} onClose={writing.drop} />
      <Composer
        key={editing?.id ?? ""}
        input={input}
        label={isNearby ? "Message to those near you" : "Message to everybody here"}
        placeholder={
          isNearby ? "Say it to those near you" : announces ? "Announce something" : "Say something"
        }
        draft={editing?.text ?? ""}
        {...(!editing && { conversation: `${space.id} ${isNearby ? "nearby" : "space"}` })}
        people={known.names.others}
        onSay={writing.say}
        onType={(isTyping) => !isNearby && conversation.type(isTyping)}
        onLeave={() => {
          writing.drop();
          document.querySelector<HTMLElement>(".world")?.focus();
        }}
        announces={announces}
        {...(conversation.rules.value?.mayModerate &&
          !isNearby && { onAnnounce: writing.toggleAnnouncing })}
      />
    </>
  );
}

/** What the person writes: a message, an answer, an announcement, or other words for a message. */
function useWriting(
  conversation: Conversation,
  isNearby: boolean,
  input: Input,
  willSay: () => void,
) {
  const [replyTo, setReplyTo] = useState<ShownMessage | null>(null);
  const [editing, setEditing] = useState<ShownMessage | null>(null);
  const [announces, setAnnounces] = useState(false);
  const refused = conversation.refusedEdit.value;
  useEffect(() => {
    if (!refused || (refused.scope === NEARBY) !== isNearby) return;
    conversation.refusedEdit.value = null;
    setEditing(refused);
  }, [refused]);
  return {
    replyTo,
    editing,
    announces,
    toggleAnnouncing: () => setAnnounces(!announces),
    reply: (message: ShownMessage) => {
      setEditing(null);
      setReplyTo(message);
      input.current?.focus();
    },
    edit: (message: ShownMessage) => {
      setReplyTo(null);
      setEditing(message);
      requestAnimationFrame(() => input.current?.focus());
    },
    /** Neither answers nor edits. */
    drop: () => {
      setEditing(null);
      setReplyTo(null);
    },
    say: (text: string) => {
      if (editing) {
        setEditing(null);
        if (editing.refused !== null) return conversation.sayOtherwise(editing, text);
        if (text !== editing.text) void conversation.change(editing, text);
        return;
      }
      willSay();
      const scope = isNearby ? NEARBY : announces ? ANNOUNCEMENT : SPACE;
      conversation.say(text, scope, replyTo?.id ?? null);
      setReplyTo(null);
      setAnnounces(false);
    },
  };
}

function Earlier({
  conversation,
  onLookBack,
}: {
  conversation: Conversation;
  onLookBack: () => void;
}) {
  if (!conversation.hasEarlier.value) return null;
  return (
    <li class="earlier">
      {conversation.isLookingBack.value ? (
        <Spinner label="Looking back…" />
      ) : (
        <button type="button" class="button small" onClick={onLookBack}>
          Earlier messages
        </button>
      )}
    </li>
  );
}

interface ItemsProps {
  space: Space;
  isNearby: boolean;
  readUpTo: string | null;
  known: KnownNames;
  onReply: (message: ShownMessage) => void;
  onEdit: (message: ShownMessage) => void;
  /** The person would like to write. */
  onWrite: () => void;
}

/** Nothing was said yet. */
function NoMessages({ isNearby, onWrite }: { isNearby: boolean; onWrite: () => void }) {
  return (
    <li class="nothing-yet">
      <Icon name="chat" />
      <strong>{isNearby ? "Only for those near you" : "No messages yet"}</strong>
      <span class="muted small">
        {isNearby
          ? "What you write here reaches only those who can hear you now. It is not saved."
          : "What you write here reaches everybody in the space."}
      </span>
      <button type="button" class="button small" onClick={onWrite}>
        {isNearby ? "Write to them" : "Say hello"}
      </button>
    </li>
  );
}

function Items({ space, isNearby, readUpTo, known, onReply, onEdit, onWrite }: ItemsProps) {
  const { conversation, people } = space;
  const [reported, setReported] = useState<ShownMessage | null>(null);
  const all = conversation.messages.value;
  const isShown = (message: ShownMessage) =>
    (message.scope === NEARBY) === isNearby && !people.blocked.value.has(message.user);
  const messages = all.filter(isShown);
  const firstNew = firstAfter(messages, readUpTo, known.me);
  // The message after a gap may be hidden itself.
  const shownFrom = (id: string) =>
    all.slice(all.findIndex((message) => message.id === id)).find(isShown)?.id;
  const gapsBefore = (id: string) =>
    isNearby ? [] : conversation.gaps.value.filter(({ before }) => shownFrom(before) === id);
  if (messages.length === 0) {
    return <NoMessages isNearby={isNearby} onWrite={onWrite} />;
  }
  return (
    <>
      {messages.map((message, index) => (
        <Fragment key={message.id}>
          {beginsDay(messages[index - 1], message) && <Day at={message.at} />}
          {gapsBefore(message.id).map(({ before, isLost }) => (
            <GapItem key={before} isLost={isLost} onFill={() => conversation.fill(before)} />
          ))}
          {message.id === firstNew && (
            <li class="new-message">
              <span>New since you were away</span>
            </li>
          )}
          <MessageItem
            message={message}
            conversation={conversation}
            known={known}
            isContinued={message.id !== firstNew && continues(messages[index - 1], message)}
            quoted={all.find(({ id }) => id === message.replyTo)}
            onReply={() => onReply(message)}
            onEdit={() => onEdit(message)}
            onQuote={() => message.replyTo !== null && show(message.replyTo)}
            onReport={() => setReported(message)}
          />
        </Fragment>
      ))}
      {reported && (
        <ReportDialog
          space={space}
          person={reported}
          message={reported}
          onClose={() => setReported(null)}
        />
      )}
    </>
  );
}

/** Messages are missing here. */
function GapItem({ isLost, onFill }: { isLost: boolean; onFill: () => void }) {
  return (
    <li class="gap">
      {isLost ? (
        "Some messages before this one are not kept any more."
      ) : (
        <button type="button" class="button small" onClick={onFill}>
          Show the messages missing here
        </button>
      )}
    </li>
  );
}

interface ContextProps {
  editing: ShownMessage | null;
  replyTo: ShownMessage | null;
  onClose: () => void;
}

/** The message that the person edits or answers. */
function Context({ editing, replyTo, onClose }: ContextProps) {
  const message = editing ?? replyTo;
  if (!message) return null;
  return (
    <div class="context">
      <span>
        <strong>{editing ? "Editing" : `Reply to ${message.name}`}</strong> {plain(message.text)}
      </span>
      <IconButton
        icon="close"
        label={editing ? "Stop editing" : "Do not reply"}
        class="quiet tiny"
        onClick={onClose}
      />
    </div>
  );
}

function show(id: string): void {
  const element = document.getElementById(`message-${id}`);
  element?.scrollIntoView({ block: "center", behavior: "smooth" });
}

/** The first message of another user behind the one that was read last. */
function firstAfter(messages: ShownMessage[], readUpTo: string | null, me: string): string | null {
  if (readUpTo === null) return null;
  const read = messages.findIndex(({ id }) => id === readUpTo);
  if (read < 0) return null;
  return messages.slice(read + 1).find(({ user }) => user !== me)?.id ?? null;
}
