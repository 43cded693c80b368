/**
 * Lobby: the user's own spaces and the public ones, with who is inside, and creating a space.
 * `screens/lobby` has its parts.
 */

import { useState } from "preact/hooks";
import type { SpaceSummary } from "../net/api";
import { whole } from "../net/base";
import { ErrorNote, Icon, Spinner } from "../ui/controls";
import { copyText } from "../ui/copy";
import { me } from "../ui/me";
import { useNote } from "../ui/note";
import { OffersToMe } from "../ui/offers";
import { CreateDialog } from "./lobby/create";
import { DeleteDialog } from "./lobby/delete";
import { useLobby } from "./lobby/list";
import { Sections } from "./lobby/sections";
import { Top } from "./lobby/top";

export function LobbyScreen() {
  const [search, setSearch] = useState("");
  const [isCreating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<SpaceSummary | null>(null);
  const said = useNote();
  const list = useLobby(search);

  const copy = async (space: SpaceSummary) => {
    const link = whole(`/s/${space.id}`).href;
    if (await copyText(link)) said.say(`The link to ${space.name} is copied.`);
    // The link is shown, to be copied by hand.
    else said.say(link, true);
  };

  return (
    <>
      <Top />
      <main class="page">
        <Heading search={search} onSearch={setSearch} onCreate={() => setCreating(true)} />
        <OffersToMe say={said.say} onTaken={list.reload} />
        <p class="visually-hidden" role="status">
          {said.words}
        </p>
        {said.words && (
          <p class="small muted note-line" aria-hidden="true">
            {said.words}
          </p>
        )}
        {list.error && <ErrorNote>{list.error} Trying again by itself.</ErrorNote>}
        {!list.lobby && !list.error && <Spinner label="Looking who is around" />}
        {list.lobby && (
          <Sections
            {...list}
            lobby={list.lobby}
            search={search}
            onShowAll={() => setSearch("")}
            onCreate={() => setCreating(true)}
            onCopy={copy}
            onDelete={setDeleting}
          />
        )}
      </main>
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
      {deleting && (
        <DeleteDialog
          space={deleting}
          onClose={() => setDeleting(null)}
          onDeleted={() => {
            said.say(`${deleting.name} is deleted.`);
            setDeleting(null);
            list.reload();
          }}
        />
      )}
    </>
  );
}

interface HeadingProps {
  search: string;
  onSearch: (words: string) => void;
  onCreate: () => void;
}

function Heading({ search, onSearch, onCreate }: HeadingProps) {
  return (
    <div class="row spread">
      <h1>Where to?</h1>
      <div class="row">
        <input
          class="input"
          style={{ width: "14rem" }}
          type="search"
          placeholder="Search spaces"
          aria-label="Search spaces"
          value={search}
          onInput={(event) => onSearch(event.currentTarget.value)}
        />
        {!me.value?.isGuest && (
          <button type="button" class="button primary" onClick={onCreate}>
            <Icon name="plus" /> New space
          </button>
        )}
      </div>
    </div>
  );
}
