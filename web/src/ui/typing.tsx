/** Typing: who is writing a message now. */

import type { Space } from "../net/space";

export function Typing({ space }: { space: Space }) {
  const typing = space.conversation.typing.value;
  const names = space.people.all.value
    .filter(({ player }) => typing.includes(player))
    .map(({ name }) => name);
  return (
    <p class="typing" aria-live="off">
      {sentenceOf(names)}
    </p>
  );
}

function sentenceOf([first, second, ...more]: string[]): string {
  if (first === undefined) return "";
  if (second === undefined) return `${first} is typing…`;
  return more.length === 0 ? `${first} and ${second} are typing…` : "Several people are typing…";
}
