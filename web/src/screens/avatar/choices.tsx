/** Choices: the avatars to choose from. */

import type { Avatar } from "../../net/api";
import { Standing } from "./figure";

interface ChoicesProps {
  avatars: Avatar[];
  chosen: string | null;
  onChoose: (id: string) => void;
  class?: string;
}

export function Choices({ avatars, chosen, onChoose, class: className = "" }: ChoicesProps) {
  /** Arrow keys move the choice, as in any group of radio buttons. */
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || avatars.length === 0) return;
    event.preventDefault();
    const index = avatars.findIndex((avatar) => avatar.id === chosen);
    const to = avatars[(index + step + avatars.length) % avatars.length];
    if (!to) return;
    onChoose(to.id);
    document.getElementById(`avatar-${to.id}`)?.focus();
  };
  return (
    <div class={`avatars ${className}`} role="radiogroup" aria-label="Avatars" onKeyDown={onKey}>
      {avatars.map((other) => (
        <button
          key={other.id}
          id={`avatar-${other.id}`}
          type="button"
          role="radio"
          aria-checked={other.id === chosen}
          tabIndex={other.id === chosen ? 0 : -1}
          class="avatar-choice"
          onClick={() => onChoose(other.id)}
        >
          <Standing avatar={other} />
          {other.name}
        </button>
      ))}
    </div>
  );
}
