/** Lobby: the user's own spaces and the public ones, with who is inside, and creating a space. */

import { useEffect, useState } from "preact/hooks";
import { api, type Lobby, type MapSummary, type SpaceSummary } from "../net/api";
import { here, whole } from "../net/base";
import { AccountDialog } from "../ui/account";
import { Brand, Dialog, ErrorNote, Face, Field, Icon, IconButton, Spinner } from "../ui/controls";
import { copyText } from "../ui/copy";
import { me, signOut } from "../ui/me";
import { useNote } from "../ui/note";
import { go } from "../ui/route";
import { isDark, toggleTheme } from "../ui/theme";
import { Thumbnail } from "../ui/thumbnail";
import { byLife, usual } from "../world/lobby";

/** Milliseconds between two requests, while the lobby is visible. */
const REFRESH = 3000;

export function LobbyScreen() {
  const [search, setSearch] = useState("");
  const [lobby, setLobby] = useState<Lobby | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [isCreating, setCreating] = useState(false);
  const [isAccountOpen, setAccountOpen] = useState(false);
  const [deleting, setDeleting] = useState<SpaceSummary | null>(null);
  const said = useNote();
  const [version, setVersion] = useState(0);
  // Later pages of the public spaces, and where the next one begins.
  const [more, setMore] = useState<SpaceSummary[]>([]);
  const [cursor, setCursor] = useState<string | null>(null);

  useEffect(() => {
    let isCurrent = true;
    const load = async () => {
      if (document.hidden) return;
      try {
        const loaded = await api.lobby(search);
        if (!isCurrent) return;
        setLobby(loaded);
        setError(null);
      } catch (caught) {
        if (isCurrent) setError(caught instanceof Error ? caught.message : String(caught));
      }
    };
    const first = setTimeout(load, search ? 200 : 0);
    const timer = setInterval(load, REFRESH);
    document.addEventListener("visibilitychange", load);
    return () => {
      isCurrent = false;
      clearTimeout(first);
      clearInterval(timer);
      document.removeEventListener("visibilitychange", load);
    };
  }, [search, version]);

  useEffect(() => {
    setMore([]);
    setCursor(null);
  }, [search]);

  const showMore = async () => {
    try {
      const page = await api.lobby(search, cursor ?? lobby?.cursor ?? "");
      setMore([...more, ...page.public]);
      setCursor(page.cursor ?? "");
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
    }
  };

  const copy = async (space: SpaceSummary) => {
    const link = whole(`/s/${space.id}`).href;
    if (await copyText(link)) said.say(`The link to ${space.name} is copied.`);
    // The link is shown, to be copied by hand.
    else said.say(link, true);
  };

  const isEmpty = lobby && lobby.mine.length === 0 && lobby.public.length === 0;
  return (
    <>
      <header class="top">
        <Brand />
        <span class="grow" />
        <IconButton
          icon="sun"
          label={isDark.value ? "Light colours" : "Dark colours"}
          class="quiet"
          onClick={toggleTheme}
        />
        {me.value?.role === "admin" && (
          <a class="button quiet" href={here("/admin")}>
            Processes
          </a>
        )}
        <a class="button quiet" href={here("/avatar")} title="Change your avatar">
          <Face imageUrl={me.value?.imageUrl ?? null} />
          <span class="hide-narrow">{me.value?.username}</span>
          <span class="visually-hidden">Change your avatar</span>
        </a>
        <IconButton
          icon="settings"
          label="Account"
          class="quiet"
          onClick={() => setAccountOpen(true)}
        />
        <button type="button" class="button quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main class="page">
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
              onInput={(event) => setSearch(event.currentTarget.value)}
            />
            <button type="button" class="button primary" onClick={() => setCreating(true)}>
              <Icon name="plus" /> New space
            </button>
          </div>
        </div>
        <p class="visually-hidden" role="status">
          {said.words}
        </p>
        {said.words && (
          <p class="small muted note-line" aria-hidden="true">
            {said.words}
          </p>
        )}
        {error && <ErrorNote>{error} Trying again by itself.</ErrorNote>}
        {!lobby && !error && <Spinner label="Looking who is around" />}
        {isEmpty && search && (
          <div class="empty">
            <h2>Nothing is called “{search}”</h2>
            <button type="button" class="button" onClick={() => setSearch("")}>
              Show everything
            </button>
          </div>
        )}
        {lobby && !(search && lobby.mine.length === 0) && (
          <section class="section" aria-labelledby="mine">
            <h2 id="mine">My spaces</h2>
            {lobby.mine.length === 0 ? (
              <div class="empty">
                <p>You have no space of your own yet.</p>
                <button type="button" class="button" onClick={() => setCreating(true)}>
                  <Icon name="plus" /> Make one
                </button>
              </div>
            ) : (
              <Spaces spaces={byLife(lobby.mine)} onCopy={copy} onDelete={setDeleting} />
            )}
          </section>
        )}
        {lobby && lobby.public.length > 0 && (
          <section class="section" aria-labelledby="public">
            <h2 id="public">Open to everybody</h2>
            <Spaces
              spaces={byLife([...lobby.public, ...more])}
              onCopy={copy}
              onDelete={setDeleting}
            />
            {(cursor ?? lobby.cursor) && (
              <button type="button" class="button" onClick={showMore}>
                Show more
              </button>
            )}
          </section>
        )}
      </main>
      {isAccountOpen && <AccountDialog onClose={() => setAccountOpen(false)} />}
      {isCreating && <CreateDialog onClose={() => setCreating(false)} />}
      {deleting && (
        <DeleteDialog
          space={deleting}
          onClose={() => setDeleting(null)}
          onDeleted={() => {
            said.say(`${deleting.name} is deleted.`);
            setDeleting(null);
            setVersion(version + 1);
          }}
        />
      )}
    </>
  );
}

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

function CreateDialog({ onClose }: { onClose: () => void }) {
  const [maps, setMaps] = useState<MapSummary[] | null>(null);
  const [map, setMap] = useState("");
  const [name, setName] = useState(`${me.value?.username ?? "My"}’s space`.slice(0, 100));
  const [isPublic, setPublic] = useState(false);
  const [keepsChat, setKeepsChat] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  useEffect(() => {
    api.maps().then(
      (list) => {
        setMaps(list);
        setMap(usual(list)?.id ?? "");
      },
      (caught: Error) => setError(caught.message),
    );
  }, []);

  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const { spaceId } = await api.createSpace(name.trim(), map, isPublic, keepsChat);
      go(`/s/${spaceId}`);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
      setBusy(false);
    }
  };

  return (
    <Dialog title="New space" onClose={onClose}>
      <form onSubmit={submit}>
        <div class="row spread">
          <h1>New space</h1>
          <IconButton icon="close" label="Close" class="quiet" onClick={onClose} />
        </div>
        <Field
          id="space-name"
          label="Name"
          value={name}
          onValue={setName}
          input={{ maxLength: 100, required: true }}
        />
        <fieldset style={{ border: 0, margin: 0, padding: 0 }} class="field">
          <legend
            style={{ fontWeight: 600, fontSize: "0.925rem", padding: 0, marginBottom: "0.35rem" }}
          >
            Map
          </legend>
          {!maps && !error && <Spinner label="Fetching the maps" />}
          <div class="maps">
            {maps?.map((other) => (
              <label key={other.id} class="map-choice">
                <input
                  type="radio"
                  name="map"
                  value={other.id}
                  checked={other.id === map}
                  onChange={() => setMap(other.id)}
                />
                <Thumbnail src={other.thumbnail} />
                <span>{other.name}</span>
                <small>{other.description || other.dimensions}</small>
              </label>
            ))}
          </div>
        </fieldset>
        <label class="switch">
          <input
            type="checkbox"
            checked={isPublic}
            onChange={(event) => setPublic(event.currentTarget.checked)}
          />
          <span>
            Open to everybody
            <br />
            <span class="muted small">
              Shown in the lobby. Otherwise only people with the link find it.
            </span>
          </span>
        </label>
        <label class="switch">
          <input
            type="checkbox"
            checked={keepsChat}
            onChange={(event) => setKeepsChat(event.currentTarget.checked)}
          />
          <span>
            Keep the chat
            <br />
            <span class="muted small">Otherwise it is forgotten when the last person leaves.</span>
          </span>
        </label>
        {error && <ErrorNote>{error}</ErrorNote>}
        <button type="submit" class="button primary" disabled={isBusy || !map}>
          {isBusy ? <Spinner label="Building it" /> : "Create and enter"}
        </button>
      </form>
    </Dialog>
  );
}

interface DeleteProps {
  space: SpaceSummary;
  onClose: () => void;
  onDeleted: () => void;
}

function DeleteDialog({ space, onClose, onDeleted }: DeleteProps) {
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      await api.deleteSpace(space.id);
      onDeleted();
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
      setBusy(false);
    }
  };
  return (
    <Dialog title={`Delete ${space.name}`} onClose={onClose}>
      <form onSubmit={submit}>
        <h1>Delete “{space.name}”?</h1>
        <p>
          Everything placed in it goes with it
          {space.people > 0 ? `, and the ${space.people} inside are disconnected at once` : ""}.
          This cannot be undone.
        </p>
        {error && <ErrorNote>{error}</ErrorNote>}
        <div class="row">
          <button type="submit" class="button danger" disabled={isBusy}>
            {isBusy ? <Spinner label="Deleting" /> : "Delete it"}
          </button>
          <button type="button" class="button" onClick={onClose}>
            Keep it
          </button>
        </div>
      </form>
    </Dialog>
  );
}
