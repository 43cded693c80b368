/** Mentions: suggests names of people while one is typed after an @, and completes it. */

import { useState } from "preact/hooks";

const MOST = 6;

export interface Suggestions {
  names: readonly string[];
  /** Which name the keyboard is at. */
  at: number;
  /** Moves to another name; `false` when there are none. */
  move: (step: 1 | -1) => boolean;
  /** The text up to the caret with the name in it, and after the caret. */
  complete: (name: string) => { text: string; caret: number };
  /** Begins at the first name. */
  restart: () => void;
}

export function useSuggestions(
  text: string,
  caret: number,
  people: readonly string[],
): Suggestions {
  const [chosen, setChosen] = useState(0);
  const begun = begunName(text.slice(0, caret));
  const names = begun === undefined ? [] : matching(people, begun);
  const at = Math.min(chosen, names.length - 1);
  return {
    names,
    at,
    move: (step) => {
      if (names.length > 0) setChosen((at + step + names.length) % names.length);
      return names.length > 0;
    },
    complete: (name) => {
      const from = caret - (begun?.length ?? 0);
      return {
        text: `${text.slice(0, from)}${name} ${text.slice(caret)}`,
        caret: from + name.length + 1,
      };
    },
    restart: () => setChosen(0),
  };
}

/** The name that is begun at the end of the text; `undefined` without an @. */
export function begunName(text: string): string | undefined {
  return /(?:^|\s)@([^\n@]{0,40})$/.exec(text)?.[1];
}

/** People whose names go on from what is begun. */
export function matching(people: readonly string[], begun: string): string[] {
  const isMatch = (name: string) => name.toLowerCase().startsWith(begun.toLowerCase());
  return people.filter((name) => isMatch(name) && name !== begun).slice(0, MOST);
}

interface SuggestionListProps {
  suggestions: Suggestions;
  onChoose: (name: string) => void;
}

export function SuggestionList({ suggestions, onChoose }: SuggestionListProps) {
  if (suggestions.names.length === 0) return null;
  return (
    <div class="suggestions" role="listbox" aria-label="People">
      {suggestions.names.map((name, index) => (
        <button
          key={name}
          type="button"
          role="option"
          aria-selected={index === suggestions.at}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onChoose(name)}
        >
          @{name}
        </button>
      ))}
    </div>
  );
}
