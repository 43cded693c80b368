/** Search: the saved messages of a space that have the words. */

import { useState } from "preact/hooks";
import type { ShownMessage } from "../net/message-list";
import { reasonOf } from "../net/reason";
import type { Space } from "../net/space";
import type { Names } from "../world/markdown";
import { timeOf } from "./message";
import { useNames } from "./names";
import { Rich } from "./rich";

interface Found {
  words: string;
  messages: ShownMessage[];
  /** Cursor of the next page; `null` on the last one. */
  before: string | null;
}

export function Search({ space, onClose }: { space: Space; onClose: () => void }) {
  const [words, setWords] = useState("");
  const [found, setFound] = useState<Found | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const { names } = useNames(space);

  const search = async (known: Found | null) => {
    const wanted = known?.words ?? words.trim();
    if (wanted === "") return setFound(null);
    try {
      const page = await space.conversation.search(wanted, known?.before ?? "");
      const messages = page.messages
        .map((message) => ({ ...message, isWaiting: false, refused: null }))
        .reverse();
      setFound({
        words: wanted,
        messages: [...(known?.messages ?? []), ...messages],
        before: page.before,
      });
      setProblem(null);
    } catch (error) {
      setProblem(reasonOf(error));
    }
  };

  return (
    <>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          void search(null);
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
        {found && <FoundItems found={found} names={names} onMore={() => void search(found)} />}
      </ul>
    </>
  );
}

function FoundItems({ found, names, onMore }: { found: Found; names: Names; onMore: () => void }) {
  return (
    <>
      {found.messages.length === 0 && <li class="muted">No message has “{found.words}”.</li>}
      {found.messages.map((message) => (
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
      {found.before && (
        <li class="earlier">
          <button type="button" class="button small" onClick={onMore}>
            Earlier messages
          </button>
        </li>
      )}
    </>
  );
}
