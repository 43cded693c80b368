/** Message: one message of the chat, its reactions and its actions. */

import { useState } from "preact/hooks";
import { REACTIONS } from "../net/codec.gen";
import { ANNOUNCEMENT, type Conversation, NEARBY } from "../net/conversation";
import type { ShownMessage } from "../net/message-list";
import { canQuote } from "../net/reports-api";
import { plain } from "../world/markdown";
import { Face, IconButton } from "./controls";
import type { KnownNames } from "./names";
import { Rich } from "./rich";

interface MessageItemProps {
  message: ShownMessage;
  conversation: Conversation;
  known: KnownNames;
  /** Whether it continues the message before, so that name and face are not shown again. */
  isContinued: boolean;
  /** The message that this one answers, when it is known. */
  quoted: ShownMessage | undefined;
  onReply: () => void;
  /** Shows the words to be changed. */
  onEdit: () => void;
  /** Goes to the message that this one answers. */
  onQuote: () => void;
  /** Reports its author. */
  onReport: () => void;
}

export function MessageItem(props: MessageItemProps) {
  const { message, conversation, known, quoted, isContinued, onQuote } = props;
  const [isOpen, setOpen] = useState(false);
  const { mayReply, mayDelete, mayReport } = permissionsOf(props);
  const hasActions = mayReply || mayDelete || mayReport;
  const state = message.isWaiting ? "waiting" : message.refused ? "failed" : "";
  const kind =
    message.scope === ANNOUNCEMENT ? "announced" : message.scope === NEARBY ? "nearby" : "";
  const shape = [isContinued && "continued", isOpen && "open"].filter(Boolean).join(" ");
  return (
    <li id={`message-${message.id}`} class={`message ${state} ${kind} ${shape}`}>
      {!isContinued && <Face imageUrl={known.faceOf(message.user)} />}
      {message.replyTo !== null && <Quote quoted={quoted} onQuote={onQuote} />}
      <div class="head">
        <span class="who">{message.name}</span>
        {kind === "announced" && <span class="mark">Announcement</span>}
        {kind === "nearby" && <span class="mark">Nearby</span>}
        <When message={message} />
        {hasActions && (
          <IconButton
            icon="more"
            label={`Message of ${message.name}`}
            class="quiet tiny"
            expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          />
        )}
      </div>
      <div class="text" dir="auto">
        {message.deleted ? (
          <em class="muted">This message was deleted.</em>
        ) : (
          <Rich text={message.text} names={known.names} />
        )}
      </div>
      {message.reactions.length > 0 && (
        <Reactions message={message} conversation={conversation} known={known} />
      )}
      {isOpen && hasActions && <Actions {...props} onClose={() => setOpen(false)} />}
      {message.refused && <Refused {...props} />}
    </li>
  );
}

/** What the person may do with the message. */
function permissionsOf({ message, conversation, known }: MessageItemProps) {
  const isMine = message.user === known.me;
  const canChange = conversation.canChange(message);
  return {
    mayReply: !message.isWaiting && message.refused === null && !message.deleted,
    mayEdit: isMine && canChange,
    mayReport: !isMine && canQuote(message),
    mayDelete: canChange && (isMine || conversation.rules.value?.mayModerate === true),
  };
}

/** The message that this one answers. */
function Quote({ quoted, onQuote }: Pick<MessageItemProps, "quoted" | "onQuote">) {
  return (
    <button type="button" class="quote" onClick={onQuote}>
      {quoted ? (
        <>
          <strong>{quoted.name}</strong> {quoted.deleted ? "deleted message" : plain(quoted.text)}
        </>
      ) : (
        "An earlier message"
      )}
    </button>
  );
}

function When({ message }: { message: ShownMessage }) {
  const at = new Date(message.at);
  return (
    <time class="when" dateTime={at.toISOString()} title={at.toLocaleString()}>
      {message.isWaiting ? "sending…" : timeOf(at)}
      {message.edited !== null && " · edited"}
    </time>
  );
}

function Reactions({
  message,
  conversation,
  known,
}: Pick<MessageItemProps, "message" | "conversation" | "known">) {
  return (
    <div class="reactions">
      {message.reactions.map(({ emoji, users, more }) => (
        <button
          key={emoji}
          type="button"
          class="reaction"
          aria-pressed={users.includes(known.me)}
          title={namesOf(users.map(known.nameOf), more)}
          disabled={!conversation.canReact(message)}
          onClick={() => conversation.react(message, emoji)}
        >
          {emoji} <span>{users.length + more}</span>
          <span class="visually-hidden"> from {namesOf(users.map(known.nameOf), more)}</span>
        </button>
      ))}
    </div>
  );
}

function Actions(props: MessageItemProps & { onClose: () => void }) {
  const { message, conversation, onReply, onEdit, onReport, onClose } = props;
  const { mayReply, mayEdit, mayDelete, mayReport } = permissionsOf(props);
  const then = (act: () => void) => () => {
    onClose();
    act();
  };
  return (
    <div class="actions" role="group" aria-label={`What to do with the message of ${message.name}`}>
      {conversation.canReact(message) &&
        REACTIONS.map((emoji) => (
          <button
            key={emoji}
            type="button"
            class="button quiet emoji"
            aria-label={`React with ${emoji}`}
            onClick={then(() => conversation.react(message, emoji))}
          >
            {emoji}
          </button>
        ))}
      <span class="break" />
      {mayReply && (
        <button type="button" class="button small" onClick={then(onReply)}>
          Reply
        </button>
      )}
      {mayEdit && (
        <button type="button" class="button small" onClick={then(onEdit)}>
          Edit
        </button>
      )}
      {mayDelete && (
        <button
          type="button"
          class="button small danger"
          onClick={then(() => void conversation.change(message, null))}
        >
          Delete
        </button>
      )}
      {mayReport && (
        <button type="button" class="button small danger" onClick={then(onReport)}>
          Report…
        </button>
      )}
    </div>
  );
}

/** Why the message was refused. */
function Refused({ message, conversation, onEdit }: MessageItemProps) {
  const { clientId, refused } = message;
  return (
    <div class="why">
      <span>{refused}</span>
      {clientId !== null && (
        <span class="row">
          <button
            type="button"
            class="button small"
            onClick={() => conversation.sayAgain(clientId)}
          >
            Try again
          </button>
          <button type="button" class="button small" onClick={onEdit}>
            Edit
          </button>
        </span>
      )}
    </div>
  );
}

/** The time of day; with the date when it was another day. */
export function timeOf(at: Date): string {
  const time = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const isToday = at.toDateString() === new Date().toDateString();
  return isToday
    ? time
    : `${at.toLocaleDateString([], { day: "numeric", month: "short" })}, ${time}`;
}

function namesOf(names: string[], more: number): string {
  const all = names.join(", ");
  return more > 0 ? `${all} and ${more} more` : all;
}
