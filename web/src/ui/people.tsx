/** People: the list of those who are in the space. */

import { useRef, useState } from "preact/hooks";
import type { Space } from "../net/space";
import { Face, IconButton } from "./controls";
import { rove, useFocusInside } from "./focus";
import { KeepName } from "./keep-name";
import { useLayer } from "./layers";
import { CopyLink } from "./link";
import { isNetworkShown, toggleNetwork } from "./network";
import { StatusMark } from "./status";

interface PeopleProps {
  space: Space;
  onClose: () => void;
  onPick: (player: number) => void;
}

export function PeoplePanel({ space, onClose, onPick }: PeopleProps) {
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLocaleLowerCase();
  const people = space.people.all.value.filter(({ name }) =>
    name.toLocaleLowerCase().includes(wanted),
  );
  const [at, setAt] = useState(0);
  const panel = useRef<HTMLElement>(null);
  useLayer(onClose);
  useFocusInside(panel);
  return (
    <section ref={panel} class="panel people-panel" aria-label="People" tabIndex={-1}>
      <header>
        <h2>{space.people.all.value.length} here</h2>
        <IconButton icon="close" label="Close people" class="quiet small" onClick={onClose} />
      </header>
      <div style={{ padding: "0.6rem 0.6rem 0" }}>
        <input
          data-first
          class="input"
          type="search"
          placeholder="Find somebody"
          aria-label="Find somebody"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </div>
      <ul
        class="list"
        style={{ padding: "0.6rem", gap: "0.1rem" }}
        onKeyDown={(event) => rove(event, ".person")}
      >
        {people.length === 0 && <li class="muted">No one here has that name.</li>}
        {people.map((person, index) => (
          <li key={person.player}>
            <button
              type="button"
              class="person"
              // The list is one stop for the Tab key; arrow keys move inside it.
              tabIndex={index === Math.min(at, people.length - 1) ? 0 : -1}
              onFocus={() => setAt(index)}
              onClick={() => onPick(person.player)}
            >
              <Face imageUrl={person.avatar?.imageUrl ?? null} />
              <span>
                {person.name}
                {person.player === space.people.me && <span class="muted"> (you)</span>}{" "}
                <StatusMark status={person.status} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      {space.people.all.value.length === 1 && (
        <div class="alone">
          <p class="muted">Only you are here. Send the link to those who are missing.</p>
          <CopyLink path={`/s/${space.id}`} />
        </div>
      )}
      <footer>
        <KeepName />
        <button
          type="button"
          class="button quiet small"
          aria-pressed={isNetworkShown.value}
          onClick={toggleNetwork}
        >
          Network figures
        </button>
      </footer>
    </section>
  );
}
