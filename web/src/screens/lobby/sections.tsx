/** Sections: the spaces of the person, and those that are open to everyone. */

import type { Lobby, SpaceSummary } from "../../net/api";
import { here } from "../../net/base";
import { Icon, IconButton } from "../../ui/controls";
import { KeepName } from "../../ui/keep-name";
import { me } from "../../ui/me";
import { Thumbnail } from "../../ui/thumbnail";
import { byLife } from "../../world/lobby";
import type { LobbyList } from "./list";

interface SectionsProps extends Omit<LobbyList, "lobby">, Omit<SpacesProps, "spaces"> {
  lobby: Lobby;
  search: string;
  onShowAll: () => void;
  onCreate: () => void;
}

export function Sections({ lobby, more, cursor, search, showMore, ...on }: SectionsProps) {
  const isEmpty = lobby.mine.length === 0 && lobby.public.length === 0;
  return (
    <>
      {isEmpty && search && (
        <div class="empty">
          <h2>Nothing is called “{search}”</h2>
          <button type="button" class="button" onClick={on.onShowAll}>
            Show everything
          </button>
        </div>
      )}
      {!(search && lobby.mine.length === 0) && (
        <section class="section" aria-labelledby="mine">
          <h2 id="mine">My spaces</h2>
          {lobby.mine.length === 0 ? (
            <div class="empty">
              <p>You have no space of your own yet.</p>
              {me.value?.isGuest ? (
                <>
                  <p class="muted">Keep your name, and you can make one.</p>
                  <KeepName />
                </>
              ) : (
                <button type="button" class="button" onClick={on.onCreate}>
                  <Icon name="plus" /> Make one
                </button>
              )}
            </div>
          ) : (
            <Spaces spaces={byLife(lobby.mine)} onCopy={on.onCopy} onDelete={on.onDelete} />
          )}
        </section>
      )}
      {lobby.public.length > 0 && (
        <section class="section" aria-labelledby="public">
          <h2 id="public">Open to everybody</h2>
          <Spaces
            spaces={byLife([...lobby.public, ...more])}
            onCopy={on.onCopy}
            onDelete={on.onDelete}
          />
          {cursor && (
            <button type="button" class="button" onClick={showMore}>
              Show more
            </button>
          )}
        </section>
      )}
    </>
  );
}

/** What a card says of who may come in. */
const LOCKS: Record<string, string> = { password: "with a password", members: "for members" };

interface SpacesProps {
  spaces: SpaceSummary[];
  onCopy: (space: SpaceSummary) => void;
  onDelete: (space: SpaceSummary) => void;
}

function Spaces({ spaces, onCopy, onDelete }: SpacesProps) {
  return (
    <ul class="spaces">
      {spaces.map((space) => (
        <li key={space.id} class="space-card">
          <a class="picture" href={here(`/s/${space.id}`)} tabIndex={-1} aria-hidden="true">
            <Thumbnail src={space.thumbnail} />
          </a>
          <div class="body">
            <div class="row spread" style={{ flexWrap: "nowrap" }}>
              <span class="name" title={space.name}>
                {space.name}
              </span>
              <span class={`people ${space.people > 0 ? "some" : ""}`}>
                {space.people === 0
                  ? "no one"
                  : space.people === 1
                    ? "1 person"
                    : `${space.people} people`}
              </span>
            </div>
            {space.accessPolicy !== "open" && (
              <span class="tag locked">{LOCKS[space.accessPolicy] ?? "closed"}</span>
            )}
            <div class="row spread">
              <a
                class="button primary small"
                href={here(`/s/${space.id}`)}
                aria-label={`Join ${space.name}`}
              >
                Join
              </a>
              <span class="row" style={{ gap: 0 }}>
                <IconButton
                  icon="link"
                  label={`Copy the link to ${space.name}`}
                  class="quiet"
                  onClick={() => onCopy(space)}
                />
                {space.mine && (
                  <IconButton
                    icon="trash"
                    label={`Delete ${space.name}`}
                    class="quiet"
                    onClick={() => onDelete(space)}
                  />
                )}
              </span>
            </div>
          </div>
        </li>
      ))}
    </ul>
  );
}
