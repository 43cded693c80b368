/** Avatar: choose what you look like, with a preview that walks. */

import { useEffect, useState } from "preact/hooks";
import { type Avatar, api } from "../net/api";
import { here } from "../net/base";
import { sheetWithHead } from "../render/head";
import { Brand, ErrorNote, Field, Spinner } from "../ui/controls";
import { loadMe, me } from "../ui/me";
import { MyPictures } from "../ui/my-pictures";
import { ACCEPTED, prepared } from "../ui/pictures";
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

  const deleted = () => {
    setChosen(null);
    void loadMe();
    load();
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
                  <Standing avatar={other} />
                  {other.name}
                </button>
              ))}
            </div>
          </div>
        )}
        {me.value?.role === "admin" && avatars && (
          <>
            <AddAvatar
              onAdded={(id) => {
                setChosen(id);
                load();
              }}
            />
            {avatar && !isDrawn(avatar) && <DeleteAvatar avatar={avatar} onDeleted={deleted} />}
          </>
        )}
        <MyPictures />
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
      const { imageUrl } = await api.uploadAvatar(await prepared(file));
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
          <label for="avatar-file">
            Picture (PNG, JPEG, WebP or GIF); its middle becomes the head
          </label>
          <input
            id="avatar-file"
            type="file"
            accept={ACCEPTED}
            onChange={(event) => {
              const chosen = event.currentTarget.files?.[0] ?? null;
              setFile(chosen);
              if (chosen && !name) setName(chosen.name.replace(/\.\w+$/, "").slice(0, 100));
            }}
          />
        </div>
        <Field
          id="avatar-name"
          label="What it is called"
          value={name}
          onValue={setName}
          input={{ maxLength: 100 }}
        />
        {error && <ErrorNote>{error}</ErrorNote>}
        <button type="submit" class="button" disabled={!file || !name.trim() || isBusy}>
          {isBusy ? <Spinner label="Adding" /> : "Add it"}
        </button>
      </form>
    </details>
  );
}

/**
 * Deletes an avatar that was made from a picture. Users who have it become robots until they choose
 * another one.
 */
function DeleteAvatar({ avatar, onDeleted }: { avatar: Avatar; onDeleted: () => void }) {
  const [error, setError] = useState<string | null>(null);
  const [isAsking, setAsking] = useState(false);
  const remove = async () => {
    setAsking(false);
    try {
      await api.deleteAvatar(avatar.id);
      onDeleted();
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
    }
  };
  return (
    <div class="row">
      {error && <ErrorNote>{error}</ErrorNote>}
      {isAsking ? (
        <>
          <span>Delete “{avatar.name}” and its picture, for everybody?</span>
          <button type="button" class="button small danger" onClick={() => void remove()}>
            Delete it
          </button>
          <button type="button" class="button small" onClick={() => setAsking(false)}>
            Keep it
          </button>
        </>
      ) : (
        <button type="button" class="button small" onClick={() => setAsking(true)}>
          Delete the avatar “{avatar.name}”
        </button>
      )}
    </div>
  );
}

const DRAWN = /^\/art\/avatars\/([\w-]+)\.svg$/;

/** Whether the avatar is a drawn one, not made from a picture. */
function isDrawn({ imageUrl }: Avatar): boolean {
  return DRAWN.test(imageUrl);
}

/** The address of an avatar's sheet; `null` while or when it cannot be shown. */
function useSheet(avatar: Avatar | undefined): string | null {
  const imageUrl = avatar?.imageUrl;
  const key = imageUrl && DRAWN.exec(imageUrl)?.[1];
  const [made, setMade] = useState<{ of: string; sheet: string } | null>(null);
  useEffect(() => {
    if (!imageUrl || key) return;
    sheetWithHead(imageUrl).then(
      (sheet) => setMade({ of: imageUrl, sheet }),
      () => setMade(null),
    );
  }, [imageUrl]);
  if (key) return here(`/art/avatars/sheets/${key}.svg`);
  return made && made.of === imageUrl ? made.sheet : null;
}

/** An avatar that stands still. */
function Standing({ avatar }: { avatar: Avatar }) {
  const sheet = useSheet(isDrawn(avatar) ? undefined : avatar);
  if (isDrawn(avatar)) return <img src={here(avatar.imageUrl)} alt="" width={48} height={64} />;
  return (
    <span class="standing">{sheet && <img src={sheet} alt="" width={240} height={256} />}</span>
  );
}

function Preview({ avatar, name }: { avatar: Avatar | undefined; name: string }) {
  const [time, setTime] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTime((now) => now + 1), STEP_MILLIS);
    return () => clearInterval(timer);
  }, []);
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const sheet = useSheet(avatar);
  const column = isStill ? 0 : 1 + (time % 4);
  const row = isStill ? 0 : (TURNS[Math.floor(time / 12) % TURNS.length] ?? 0);
  return (
    <div class="preview">
      <div class="walker">
        {sheet && (
          <img src={sheet} alt="" style={{ left: `${-96 * column}px`, top: `${-128 * row}px` }} />
        )}
      </div>
      <span>{name}</span>
    </div>
  );
}
