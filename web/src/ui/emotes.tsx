/** Emotes: the buttons that show one over the own head. */

import { EMOTES, keyOf } from "../world/emotes";

export function EmoteBar({ onEmote }: { onEmote: (kind: number) => void }) {
  return (
    <div class="pill emotes" role="group" aria-label="Emotes">
      {EMOTES.map(({ sign, name }, kind) => (
        <button
          key={sign}
          type="button"
          class="button"
          aria-label={name}
          title={titleOf(name, keyOf(kind))}
          onClick={() => onEmote(kind)}
        >
          {sign}
        </button>
      ))}
    </div>
  );
}

function titleOf(name: string, key: string | undefined): string {
  return key === undefined ? name : `${name} (${key})`;
}
