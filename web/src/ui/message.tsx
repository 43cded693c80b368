/** Message: one message of the chat, its reactions and its actions. */

import { useState } from "preact/hooks";
import { REACTIONS } from "../net/codec.gen";
import { ANNOUNCEMENT, type Conversation, NEARBY } from "../net/conversation";
import type { ShownMessage } from "../net/message-list";
import { type Names, plain } from "../world/markdown";
import { IconButton } from "./controls";
import { Rich } from "./rich";

interface MessageItemProps {
  message: ShownMessage;
  conversation: Conversation;
  names: Names;
  /** The id of this user. */
  me: string;
  /** The name of a user who is here. */
  nameOf: (user: string) => string;
  /** The message that this one answers, when it is known. */
  quoted: ShownMessage | undefined;
  onReply: () => void;
  /** Shows the words to be changed. */
  onEdit: () => void;
  /** Goes to the message that this one answers. */
  onQuote: () => void;
}

export function MessageItem({
  message,
  conversation,
  names,
  me,
  nameOf,
  quoted,
  onReply,
  onEdit,
  onQuote,
}: MessageItemProps) {
  const [isOpen, setOpen] = useState(false);
  const at = new Date(message.at);
  const { clientId } = message;
  const isMine = message.user === me;
  const mayDelete =
    conversation.canChange(message) && (isMine || conversation.rules.value?.mayModerate === true);
  const mayReply = !message.isWaiting && message.refused === null && !message.deleted;
  const hasActions = mayReply || mayDelete;
  const state = message.isWaiting ? "waiting" : message.refused ? "failed" : "";
  const kind =
    message.scope === ANNOUNCEMENT ? "announced" : message.scope === NEARBY ? "nearby" : "";
  return (
    <li id={`message-${message.id}`} class={`message ${state} ${kind} ${isOpen ? "open" : ""}`}>
      {message.replyTo !== null && (
        <button type="button" class="quote" onClick={onQuote}>
          {quoted ? (
            <>
              <strong>{quoted.name}</strong>{" "}
              {quoted.deleted ? "deleted message" : plain(quoted.text)}
            </>
          ) : (
            "An earlier message"
          )}
        </button>
      )}
      <div class="head">
        <span class="who">{message.name}</span>
        {kind === "announced" && <span class="mark">Announcement</span>}
        {kind === "nearby" && <span class="mark">Nearby</span>}
        <time class="when" dateTime={at.toISOString()} title={at.toLocaleString()}>
          {message.isWaiting ? "sending…" : timeOf(at)}
          {message.edited !== null && " · edited"}
        </time>
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
          <Rich text={message.text} names={names} />
        )}
      </div>
      {message.reactions.length > 0 && (
        <div class="reactions">
          {message.reactions.map(({ emoji, users, more }) => (
            <button
              key={emoji}
              type="button"
              class="reaction"
              aria-pressed={users.includes(me)}
              title={namesOf(users.map(nameOf), more)}
              disabled={!conversation.canReact(message)}
              onClick={() => conversation.react(message, emoji)}
            >
              {emoji} <span>{users.length + more}</span>
              <span class="visually-hidden"> from {namesOf(users.map(nameOf), more)}</span>
            </button>
          ))}
        </div>
      )}
      {isOpen && hasActions && (
        <div
          class="actions"
          role="group"
          aria-label={`What to do with the message of ${message.name}`}
        >
          {conversation.canReact(message) &&
            REACTIONS.map((emoji) => (
              <button
                key={emoji}
                type="button"
                class="button quiet emoji"
                aria-label={`React with ${emoji}`}
                onClick={() => {
                  conversation.react(message, emoji);
                  setOpen(false);
                }}
              >
                {emoji}
              </button>
            ))}
          <span class="break" />
          {mayReply && (
            <Choice label="Reply" onChoose={onReply} close={setOpen}>
              Reply
            </Choice>
          )}
          {isMine && conversation.canChange(message) && (
            <Choice label="Edit" onChoose={onEdit} close={setOpen}>
              Edit
            </Choice>
          )}
          {mayDelete && (
            <Choice
              label="Delete"
              isDanger
              onChoose={() => void conversation.change(message, null)}
              close={setOpen}
            >
              Delete
            </Choice>
          )}
        </div>
      )}
      {message.refused && (
        <div class="why">
          <span>{message.refused}</span>
          {clientId !== null && (
            <button
              type="button"
              class="button small"
              onClick={() => conversation.sayAgain(clientId)}
            >
              Try again
            </button>
          )}
        </div>
      )}
    </li>
  );
}

interface MessageChoiceProps {
  label: string;
  children: string;
  isDanger?: boolean;
  onChoose: () => void;
  close: (isOpen: boolean) => void;
}

function Choice({ children, isDanger, onChoose, close }: MessageChoiceProps) {
  return (
    <button
      type="button"
      class={`button small ${isDanger ? "danger" : ""}`}
      onClick={() => {
        close(false);
        onChoose();
      }}
    >
      {children}
    </button>
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
