/** Chat: the panel with the chat of the space, the chat nearby, and direct messages. */

import { Fragment } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { ANNOUNCEMENT, NEARBY, SPACE } from "../net/conversation";
import type { ShownMessage } from "../net/message-list";
import type { Space } from "../net/space";
import { type Names, plain } from "../world/markdown";
import { ChatSettings } from "./chat-settings";
import { Composer } from "./composer";
import { IconButton, Spinner } from "./controls";
import { DirectTab } from "./direct";
import { rove } from "./focus";
import { useLayer } from "./layers";
import { MessageItem, timeOf } from "./message";
import { Rich } from "./rich";

/** Which part of the chat is shown. */
export type Tab = "space" | "nearby" | "direct";

interface ChatPanelProps {
  space: Space;
  input: { current: HTMLTextAreaElement | null };
  tab: Tab;
  unread: Record<Tab, number>;
  /** Id of the newest message when the person looked away. */
  readUpTo: string | null;
  onTab: (tab: Tab) => void;
  onClose: () => void;
}

export function ChatPanel({ space, input, tab, unread, readUpTo, onTab, onClose }: ChatPanelProps) {
  const [isSearching, setSearching] = useState(false);
  const [isSetting, setSetting] = useState(false);
  const panel = useRef<HTMLElement>(null);
  useLayer(onClose);
  return (
    <section ref={panel} class="panel chat" aria-label="Chat">
      <header>
        <div
          class="tabs"
          role="tablist"
          aria-label="Chat"
          onKeyDown={(event) => rove(event, "[role=tab]")}
        >
          <TabButton
            name="Space"
            isOn={tab === "space"}
            count={unread.space}
            onClick={() => onTab("space")}
          />
          <TabButton
            name="Nearby"
            isOn={tab === "nearby"}
            count={unread.nearby}
            onClick={() => onTab("nearby")}
          />
          <TabButton
            name="Direct"
            isOn={tab === "direct"}
            count={unread.direct}
            onClick={() => onTab("direct")}
          />
        </div>
        {space.conversation.rules.value?.kept && tab !== "direct" && (
          <IconButton
            icon="search"
            label="Search what was said"
            class="quiet small"
            pressed={isSearching}
            onClick={() => setSearching(!isSearching)}
          />
        )}
        <IconButton
          icon="sliders"
          label="Chat settings"
          class="quiet small"
          onClick={() => setSetting(true)}
        />
        <IconButton icon="close" label="Close chat" class="quiet small" onClick={onClose} />
      </header>
      {tab === "direct" ? (
        <DirectTab space={space} input={input} />
      ) : isSearching ? (
        <Search space={space} onClose={() => setSearching(false)} />
      ) : (
        <MessagesTab
          key={tab}
          space={space}
          input={input}
          isNearby={tab === "nearby"}
          readUpTo={readUpTo}
        />
      )}
      {isSetting && <ChatSettings space={space} onClose={() => setSetting(false)} />}
    </section>
  );
}

function TabButton({
  name,
  isOn,
  count,
  onClick,
}: {
  name: string;
  isOn: boolean;
  count: number;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      role="tab"
      aria-selected={isOn}
      tabIndex={isOn ? 0 : -1}
      // Arrow keys move the focus, and the tab follows.
      onFocus={() => isOn || onClick()}
      onClick={onClick}
    >
      {name}
      {count > 0 && <span class="visually-hidden">{count} unread</span>}
      {count > 0 && (
        <span class="count" aria-hidden="true">
          {count}
        </span>
      )}
    </button>
  );
}

/** The names that messages may mention. */
function useNames(space: Space): { names: Names; me: string; nameOf: (user: string) => string } {
  const people = space.people.all.value;
  return useMemo(() => {
    const mine = people.find(({ player }) => player === space.people.me);
    const names = {
      me: mine?.name ?? "",
      others: people.filter(({ player }) => player !== space.people.me).map(({ name }) => name),
    };
    const byUser = new Map(people.map(({ user, name }) => [user, name]));
    for (const message of space.conversation.messages.peek())
      if (!byUser.has(message.user)) byUser.set(message.user, message.name);
    return {
      names,
      me: mine?.user ?? "",
      nameOf: (user) => byUser.get(user) ?? "a person who left",
    };
  }, [people]);
}

interface MessagesTabProps {
  space: Space;
  input: { current: HTMLTextAreaElement | null };
  isNearby: boolean;
  readUpTo: string | null;
}

function MessagesTab({ space, input, isNearby, readUpTo }: MessagesTabProps) {
  const { conversation } = space;
  const [replyTo, setReplyTo] = useState<ShownMessage | null>(null);
  const [editing, setEditing] = useState<ShownMessage | null>(null);
  const [announces, setAnnounces] = useState(false);
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  /** The distance to the end when older messages were requested. */
  const fromEnd = useRef<number | null>(null);
  const { names, me, nameOf } = useNames(space);
  const all = conversation.messages.value;
  const isShown = (message: ShownMessage) =>
    (message.scope === NEARBY) === isNearby && !space.people.blocked.value.has(message.user);
  const messages = all.filter(isShown);
  // The message after a gap may be hidden itself.
  const shownFrom = (id: string) =>
    all.slice(all.findIndex((message) => message.id === id)).find(isShown)?.id;
  const gaps = isNearby
    ? []
    : conversation.gaps.value.map((gap) => ({ ...gap, shownBefore: shownFrom(gap.before) }));

  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    if (fromEnd.current !== null && !conversation.isLookingBack.peek()) {
      element.scrollTop = element.scrollHeight - fromEnd.current;
      fromEnd.current = null;
    } else if (isAtEnd.current) element.scrollTo({ top: element.scrollHeight });
  }, [all]);

  const lookBack = () => {
    const element = list.current;
    if (!element || conversation.isLookingBack.value) return;
    fromEnd.current = element.scrollHeight - element.scrollTop;
    void conversation.lookBack();
  };

  const answer = (message: ShownMessage) => {
    setEditing(null);
    setReplyTo(message);
    input.current?.focus();
  };

  const edit = (message: ShownMessage) => {
    setReplyTo(null);
    setEditing(message);
    requestAnimationFrame(() => input.current?.focus());
  };

  const say = (text: string) => {
    if (editing) {
      setEditing(null);
      if (text !== editing.text) void conversation.change(editing, text);
      return;
    }
    isAtEnd.current = true;
    conversation.say(
      text,
      isNearby ? NEARBY : announces ? ANNOUNCEMENT : SPACE,
      replyTo?.id ?? null,
    );
    setReplyTo(null);
    setAnnounces(false);
  };

  const leave = () => {
    setEditing(null);
    setReplyTo(null);
    document.querySelector<HTMLElement>(".world")?.focus();
  };

  const show = (id: string) => {
    document
      .getElementById(`message-${id}`)
      ?.scrollIntoView({ block: "center", behavior: "smooth" });
  };

  const firstNew = firstAfter(messages, readUpTo, me);
  const context = editing ?? replyTo;
  return (
    <>
      <div
        ref={list}
        class="list"
        role="log"
        aria-label="Messages"
        aria-live="polite"
        tabIndex={0}
        onScroll={(event) => {
          const { scrollTop, scrollHeight, clientHeight } = event.currentTarget;
          isAtEnd.current = scrollHeight - scrollTop - clientHeight < 40;
          if (scrollTop < 40 && conversation.hasEarlier.value && !isNearby) lookBack();
        }}
      >
        <ul class="messages">
          {!isNearby && conversation.hasEarlier.value && (
            <li class="earlier">
              {conversation.isLookingBack.value ? (
                <Spinner label="Looking back…" />
              ) : (
                <button type="button" class="button small" onClick={lookBack}>
                  Earlier messages
                </button>
              )}
            </li>
          )}
          {messages.length === 0 && (
            <li class="muted">
              {isNearby
                ? "What you write here reaches only those who can hear you now. It is not saved."
                : "No messages yet. Say hello!"}
            </li>
          )}
          {messages.map((message) => (
            <Fragment key={message.id}>
              {gaps
                .filter(({ shownBefore }) => shownBefore === message.id)
                .map(({ before, isLost }) => (
                  <li key={before} class="gap">
                    {isLost ? (
                      "Some messages before this one are not kept any more."
                    ) : (
                      <button
                        type="button"
                        class="button small"
                        onClick={() => conversation.fill(before)}
                      >
                        Show the messages missing here
                      </button>
                    )}
                  </li>
                ))}
              {message.id === firstNew && (
                <li class="new-message">
                  <span>New since you were away</span>
                </li>
              )}
              <MessageItem
                message={message}
                conversation={conversation}
                names={names}
                me={me}
                nameOf={nameOf}
                quoted={
                  message.replyTo === null
                    ? undefined
                    : all.find(({ id }) => id === message.replyTo)
                }
                onReply={() => answer(message)}
                onEdit={() => edit(message)}
                onQuote={() => message.replyTo !== null && show(message.replyTo)}
              />
            </Fragment>
          ))}
        </ul>
      </div>
      <Typing space={space} />
      {context && (
        <div class="context">
          <span>
            <strong>{editing ? "Editing" : `Reply to ${context.name}`}</strong>{" "}
            {plain(context.text)}
          </span>
          <IconButton
            icon="close"
            label={editing ? "Stop editing" : "Do not reply"}
            class="quiet tiny"
            onClick={() => {
              setEditing(null);
              setReplyTo(null);
            }}
          />
        </div>
      )}
      <Composer
        key={editing?.id ?? ""}
        input={input}
        label={isNearby ? "Message to those near you" : "Message to everybody here"}
        placeholder={
          isNearby ? "Say it to those near you" : announces ? "Announce something" : "Say something"
        }
        draft={editing?.text ?? ""}
        people={names.others}
        onSay={say}
        onType={(isTyping) => !isNearby && conversation.type(isTyping)}
        onLeave={leave}
        announces={announces}
        {...(conversation.rules.value?.mayModerate &&
          !isNearby && { onAnnounce: () => setAnnounces(!announces) })}
      />
    </>
  );
}

/** The first message of another user behind the one that was read last. */
function firstAfter(messages: ShownMessage[], readUpTo: string | null, me: string): string | null {
  if (readUpTo === null) return null;
  const read = messages.findIndex(({ id }) => id === readUpTo);
  if (read < 0) return null;
  return messages.slice(read + 1).find(({ user }) => user !== me)?.id ?? null;
}

function Typing({ space }: { space: Space }) {
  const typing = space.conversation.typing.value;
  const people = space.people.all.value
    .filter(({ player }) => typing.includes(player))
    .map(({ name }) => name);
  const [first, second] = people;
  const words =
    first === undefined
      ? ""
      : second === undefined
        ? `${first} is typing…`
        : people.length === 2
          ? `${first} and ${second} are typing…`
          : "Several people are typing…";
  return (
    <p class="typing" aria-live="off">
      {words}
    </p>
  );
}

function Search({ space, onClose }: { space: Space; onClose: () => void }) {
  const [words, setWords] = useState("");
  const [found, setFound] = useState<{
    words: string;
    messages: ShownMessage[];
    before: string | null;
  } | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { names } = useNames(space);

  const search = async (more: boolean) => {
    const wanted = more && found ? found.words : words.trim();
    if (wanted === "") return setFound(null);
    try {
      const page = await space.conversation.search(wanted, more ? (found?.before ?? "") : "");
      const messages = page.messages
        .map((message) => ({ ...message, isWaiting: false, refused: null }))
        .reverse();
      setFound({
        words: wanted,
        messages: [...(more ? (found?.messages ?? []) : []), ...messages],
        before: page.before,
      });
      setProblem(null);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };

  return (
    <>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          void search(false);
        }}
      >
        <input
          class="input"
          type="search"
          aria-label="Search what was said"
          placeholder="Search what was said"
          value={words}
          // biome-ignore lint/a11y/noAutofocus: the person has just asked for this field
          autoFocus
          onInput={(event) => setWords(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            onClose();
          }}
        />
        <button type="submit" class="button small">
          Search
        </button>
      </form>
      <ul class="list" aria-label="Found">
        {problem && <li class="error">{problem}</li>}
        {found?.messages.length === 0 && <li class="muted">No message has “{found.words}”.</li>}
        {found?.messages.map((message) => (
          <li key={message.id} class="message">
            <div class="head">
              <span class="who">{message.name}</span>
              <time class="when" dateTime={new Date(message.at).toISOString()}>
                {timeOf(new Date(message.at))}
              </time>
            </div>
            <div class="text" dir="auto">
              <Rich text={message.text} names={names} />
            </div>
          </li>
        ))}
        {found?.before && (
          <li class="earlier">
            <button type="button" class="button small" onClick={() => void search(true)}>
              Earlier messages
            </button>
          </li>
        )}
      </ul>
    </>
  );
}

/** The last announcement, over everything, until it is closed. */
export function Announcement({ space }: { space: Space }) {
  const message = space.conversation.announcement.value;
  const { names } = useNames(space);
  useEffect(() => {
    const timer = setTimeout(() => {
      space.conversation.announcement.value = null;
    }, 60_000);
    return () => clearTimeout(timer);
  }, [message?.id]);
  if (!message) return null;
  return (
    <div class="announcement" role="status">
      <div>
        <strong>{message.name} announces</strong>
        <div class="text" dir="auto">
          <Rich text={message.text} names={names} />
        </div>
      </div>
      <IconButton
        icon="close"
        label="Put the announcement away"
        class="quiet small"
        onClick={() => {
          space.conversation.announcement.value = null;
        }}
      />
    </div>
  );
}
