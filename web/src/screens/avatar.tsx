/** Avatar: choose what you look like, with a preview that walks. */

import { useEffect, useState } from "preact/hooks";
import { type Avatar, api } from "../net/api";
import { here } from "../net/base";
import { loadMe, me } from "../ui/me";
import { Brand, ErrorNote, Field, Spinner } from "../ui/parts";
import { go } from "../ui/route";

/** Rows of a walk sheet in the order the preview turns. */
const TURNS = [0, 2, 3, 1];
const STEP_MILLIS = 150;

export function AvatarScreen({ next }: { next: string }) {
  const [avatars, setAvatars] = useState<Avatar[] | null>(null);
  const [chosen, setChosen] = useState<string | null>(me.value?.avatarId ?? null);
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const load = () => {
    setError(null);
    api.avatars().then(
      (list) => {
        setAvatars(list);
        setChosen((current) => current ?? list[0]?.id ?? null);
      },
      (caught: Error) => setError(caught.message),
    );
  };
  useEffect(load, []);

  const save = async () => {
    if (!chosen) return;
    setBusy(true);
    try {
      await api.chooseAvatar(chosen);
      await loadMe();
      go(next, true);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
      setBusy(false);
    }
  };

  /** Arrow keys move the choice, as in any group of radio buttons. */
  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || !avatars?.length) return;
    event.preventDefault();
    const index = avatars.findIndex((avatar) => avatar.id === chosen);
    const to = avatars[(index + step + avatars.length) % avatars.length];
    if (!to) return;
    setChosen(to.id);
    document.getElementById(`avatar-${to.id}`)?.focus();
  };

  const avatar = avatars?.find((other) => other.id === chosen);
  return (
    <main class="centre">
      <div class="card wide">
        <Brand />
        <h1>Who will you be?</h1>
        {error && (
          <ErrorNote>
            {error}{" "}
            <button type="button" class="button small" onClick={load}>
              Try again
            </button>
          </ErrorNote>
        )}
        {!avatars && !error && <Spinner label="Fetching the wardrobe" />}
        {avatars && (
          <div class="picker">
            <Preview avatar={avatar} name={me.value?.username ?? ""} />
            <div class="avatars" role="radiogroup" aria-label="Avatars" onKeyDown={onKey}>
              {avatars.map((other) => (
                <button
                  key={other.id}
                  id={`avatar-${other.id}`}
                  type="button"
                  role="radio"
                  aria-checked={other.id === chosen}
                  tabIndex={other.id === chosen ? 0 : -1}
                  class="avatar-choice"
                  onClick={() => setChosen(other.id)}
                >
                  <img src={here(other.imageUrl)} alt="" width={48} height={64} />
                  {other.name}
                </button>
              ))}
            </div>
          </div>
        )}
        {me.value?.role === "admin" && avatars && (
          <AddAvatar
            onAdded={(id) => {
              setChosen(id);
              load();
            }}
          />
        )}
        <div class="row">
          <button type="button" class="button primary" onClick={save} disabled={!chosen || isBusy}>
            {isBusy ? <Spinner label="Saving" /> : "Looks good"}
          </button>
          <a class="button quiet" href={here(next)}>
            Not now
          </a>
        </div>
      </div>
    </main>
  );
}

/** An admin's picture becomes an avatar for everybody. */
function AddAvatar({ onAdded }: { onAdded: (id: string) => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState("");
  const [error, setError] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(false);

  const submit = async (event: Event) => {
    event.preventDefault();
    if (!file) return;
    setBusy(true);
    setError(null);
    try {
      const { imageUrl } = await api.uploadAvatar(file);
      const { avatarId } = await api.addAvatar(name.trim(), imageUrl);
      setFile(null);
      setName("");
      onAdded(avatarId);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
    }
    setBusy(false);
  };

  return (
    <details>
      <summary>Add a picture of your own as an avatar for everybody</summary>
      <form class="section" style={{ marginTop: "0.75rem" }} onSubmit={submit}>
        <div class="field">
          <label for="avatar-file">Picture (PNG, JPEG, WebP or GIF, up to 2 MB)</label>
          <input
            id="avatar-file"
            type="file"
            accept="image/png,image/jpeg,image/webp,image/gif"
            onChange={(event) => {
              const chosen = event.currentTarget.files?.[0] ?? null;
              setFile(chosen);
              if (chosen && !name) setName(chosen.name.replace(/\.\w+$/, "").slice(0, 100));
            }}
          />
        </div>
        <Field id="avatar-name" label="What it is called" value={name} onValue={setName} input={{ maxLength: 100 }} />
        {error && <ErrorNote>{error}</ErrorNote>}
        <button type="submit" class="button" disabled={!file || !name.trim() || isBusy}>
          {isBusy ? <Spinner label="Adding" /> : "Add it"}
        </button>
      </form>
    </details>
  );
}

function Preview({ avatar, name }: { avatar: Avatar | undefined; name: string }) {
  const [time, setTime] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTime((now) => now + 1), STEP_MILLIS);
    return () => clearInterval(timer);
  }, []);
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const sheet = avatar && /^\/art\/avatars\/([\w-]+)\.svg$/.exec(avatar.imageUrl)?.[1];
  const column = isStill ? 0 : 1 + (time % 4);
  const row = isStill ? 0 : (TURNS[Math.floor(time / 12) % TURNS.length] ?? 0);
  return (
    <div class="preview">
      <div class="walker">
        {sheet ? (
          <img
            src={here(`/art/avatars/sheets/${sheet}.svg`)}
            alt=""
            style={{ left: `${-96 * column}px`, top: `${-128 * row}px` }}
          />
        ) : (
          avatar && (
            <img src={here(avatar.imageUrl)} alt="" style={{ width: "96px", height: "128px", objectFit: "contain" }} />
          )
        )}
      </div>
      <span>{name}</span>
    </div>
  );
}
