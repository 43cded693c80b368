/** Word filter: the words that people are not to write in a space, and what happens to them. */

import { useEffect, useState } from "preact/hooks";
import { moderationApi, type WordFilter } from "../../net/moderation-api";
import { useAttempt } from "../attempt";
import { ErrorNote, Spinner } from "../controls";
import { Option } from "./fields";

const ACTIONS = [
  { action: "redact", name: "Redact", hint: "The word is shown as dots." },
  {
    action: "refuse",
    name: "Refuse",
    hint: "The message is not sent, and the sender is told why.",
  },
  { action: "report", name: "Report", hint: "The message is sent, and the log says who wrote it." },
] as const;

/** The words of a text, one in each line. */
export const wordsIn = (text: string): string[] =>
  text
    .split("\n")
    .map((line) => line.trim())
    .filter((word) => word !== "");

export function WordFilterPart({ id }: { id: string }) {
  const [found, setFound] = useState<WordFilter | null>(null);
  const { error, run } = useAttempt();
  useEffect(() => void run(async () => setFound(await moderationApi.wordFilter(id))), []);
  return (
    <section class="section" aria-labelledby="word-filter">
      <h3 id="word-filter">Word filter</h3>
      {error && <ErrorNote>{error}</ErrorNote>}
      {!found && !error && <Spinner label="Looking up the words" />}
      {found && (
        <WordFilterForm
          filter={found}
          onSave={(filter) => moderationApi.changeWordFilter(id, filter)}
        />
      )}
    </section>
  );
}

interface WordFilterFormProps {
  filter: WordFilter;
  /** Saves it, and returns what is saved. */
  onSave: (filter: WordFilter) => Promise<WordFilter>;
}

export function WordFilterForm({ filter, onSave }: WordFilterFormProps) {
  const [text, setText] = useState(filter.words.join("\n"));
  const [action, setAction] = useState(filter.action);
  const [said, setSaid] = useState("");
  const { error, isBusy, run } = useAttempt();
  const save = (event: Event) => {
    event.preventDefault();
    setSaid("");
    void run(async () => {
      const saved = await onSave({ action, words: wordsIn(text) });
      setText(saved.words.join("\n"));
      setSaid(saidOf(saved.words.length));
    });
  };
  return (
    <form onSubmit={save}>
      <div class="field">
        <label for="filtered-words">Words that people are not to write</label>
        <textarea
          id="filtered-words"
          class="input"
          rows={5}
          spellcheck={false}
          aria-describedby="filtered-words-hint"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <p id="filtered-words-hint" class="muted small">
          One in each line, at most 2,000. Whole words are found, in small and large letters. They
          are for messages and for names of new guests; moderators write what they like.
        </p>
      </div>
      <fieldset class="choices">
        <legend>A message with one of them</legend>
        {ACTIONS.map(({ action: one, name, hint }) => (
          <Option
            key={one}
            group="filter-action"
            value={one}
            label={name}
            hint={hint}
            isChosen={one === action}
            onChoose={() => setAction(one)}
          />
        ))}
      </fieldset>
      {error && <ErrorNote>{error}</ErrorNote>}
      <div class="row">
        <button type="submit" class="button primary" disabled={isBusy}>
          Save
        </button>
        <span role="status">{said}</span>
      </div>
    </form>
  );
}

function saidOf(count: number): string {
  if (count === 0) return "Saved. No words are filtered.";
  return count === 1 ? "Saved. One word is filtered." : `Saved. ${count} words are filtered.`;
}
