/** Line: one thing that was said, what people think of it, and what can be done with it. */

import { useState } from "preact/hooks";
import type { Line } from "../net/chat";
import { ANNOUNCEMENT, NEARBY, type Talk } from "../net/talk";
import { type Names, plain } from "../world/markdown";
import { IconButton } from "./parts";
import { Rich } from "./rich";

const REACTIONS = ["👍", "❤️", "😂", "🎉", "😮", "🙏", "👀", "✅"];

interface LineProps {
  line: Line;
  talk: Talk;
  names: Names;
  /** The id of whoever looks. */
  me: string;
  /** The name of a user who is here. */
  nameOf: (user: string) => string;
  /** The line that this one answers, when it is known. */
  quoted: Line | undefined;
  onReply: () => void;
  /** Shows the words to be changed. */
  onEdit: () => void;
  /** Goes to the line that this one answers. */
  onQuote: () => void;
}

export function ChatLine({
  line,
  talk,
  names,
  me,
  nameOf,
  quoted,
  onReply,
  onEdit,
  onQuote,
}: LineProps) {
  const [isOpen, setOpen] = useState(false);
  const at = new Date(line.at);
  const { clientId } = line;
  const isMine = line.user === me;
  const mayDelete = talk.canChange(line) && (isMine || talk.rules.value?.mayModerate === true);
  const mayReply = !line.isWaiting && line.refused === null && !line.deleted;
  const hasActions = mayReply || mayDelete;
  const state = line.isWaiting ? "waiting" : line.refused ? "failed" : "";
  const kind = line.scope === ANNOUNCEMENT ? "announced" : line.scope === NEARBY ? "nearby" : "";
  return (
    <li id={`line-${line.id}`} class={`line ${state} ${kind} ${isOpen ? "open" : ""}`}>
      {line.replyTo !== null && (
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
        <span class="who">{line.name}</span>
        {kind === "announced" && <span class="mark">Announcement</span>}
        {kind === "nearby" && <span class="mark">Nearby</span>}
        <time class="when" dateTime={at.toISOString()} title={at.toLocaleString()}>
          {line.isWaiting ? "sending…" : timeOf(at)}
          {line.edited !== null && " · edited"}
        </time>
        {hasActions && (
          <IconButton
            icon="more"
            label={`Message of ${line.name}`}
            class="quiet tiny"
            expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          />
        )}
      </div>
      <div class="text" dir="auto">
        {line.deleted ? (
          <em class="muted">This message was deleted.</em>
        ) : (
          <Rich text={line.text} names={names} />
        )}
      </div>
      {line.reactions.length > 0 && (
        <div class="reactions">
          {line.reactions.map(({ emoji, users, more }) => (
            <button
              key={emoji}
              type="button"
              class="reaction"
              aria-pressed={users.includes(me)}
              title={namesOf(users.map(nameOf), more)}
              disabled={!talk.canReact(line)}
              onClick={() => talk.react(line, emoji)}
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
          aria-label={`What to do with the message of ${line.name}`}
        >
          {talk.canReact(line) &&
            REACTIONS.map((emoji) => (
              <button
                key={emoji}
                type="button"
                class="button quiet emoji"
                aria-label={`React with ${emoji}`}
                onClick={() => {
                  talk.react(line, emoji);
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
          {isMine && talk.canChange(line) && (
            <Choice label="Edit" onChoose={onEdit} close={setOpen}>
              Edit
            </Choice>
          )}
          {mayDelete && (
            <Choice
              label="Delete"
              isDanger
              onChoose={() => void talk.change(line, null)}
              close={setOpen}
            >
              Delete
            </Choice>
          )}
        </div>
      )}
      {line.refused && (
        <div class="why">
          <span>{line.refused}</span>
          {clientId !== null && (
            <button type="button" class="button small" onClick={() => talk.sayAgain(clientId)}>
              Try again
            </button>
          )}
        </div>
      )}
    </li>
  );
}

interface ChoiceProps {
  label: string;
  children: string;
  isDanger?: boolean;
  onChoose: () => void;
  close: (isOpen: boolean) => void;
}

function Choice({ children, isDanger, onChoose, close }: ChoiceProps) {
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
