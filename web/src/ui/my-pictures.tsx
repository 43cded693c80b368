/**
 * My pictures: what I brought to this server, how much of my share it takes, and a way to free it.
 */

import { useState } from "preact/hooks";
import { api, type UploadedPicture } from "../net/api";
import { here } from "../net/base";
import { ErrorNote, IconButton, Spinner } from "./controls";
import { sizeOf } from "./pictures";

export function MyPictures() {
  const [pictures, setPictures] = useState<UploadedPicture[] | null>(null);
  const [more, setMore] = useState<string | null>(null);
  const [share, setShare] = useState<{ used: number; quota: number | null }>({
    used: 0,
    quota: null,
  });
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState<string | null>(null);

  const load = async (after: string) => {
    setError(null);
    try {
      const page = await api.uploads(after);
      setPictures([...(after === "" ? [] : (pictures ?? [])), ...page.uploads]);
      setMore(page.after);
      setShare(page);
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
    }
  };

  const remove = async (picture: UploadedPicture) => {
    setBusy(picture.name);
    setError(null);
    try {
      await api.deleteUpload(picture.name);
      setPictures((all) => all?.filter(({ name }) => name !== picture.name) ?? null);
      setShare(({ used, quota }) => ({ used: Math.max(0, used - picture.size), quota }));
    } catch (caught) {
      setError(caught instanceof Error ? caught.message : String(caught));
    }
    setBusy(null);
  };

  return (
    <details onToggle={(event) => event.currentTarget.open && void load("")}>
      <summary>My pictures on this server</summary>
      <div class="section" style={{ marginTop: "0.75rem" }}>
        {error && <ErrorNote>{error}</ErrorNote>}
        {!pictures && !error && <Spinner label="Fetching your pictures" />}
        {pictures && (
          <>
            <p class="muted small">
              {share.quota === null
                ? `They take ${sizeOf(share.used)}.`
                : `They take ${sizeOf(share.used)} of ${sizeOf(share.quota)}.`}{" "}
              Deleting one removes it from every message that shows it.
            </p>
            {share.quota !== null && (
              <progress
                class="share"
                max={share.quota}
                value={share.used}
                aria-label="Used of your share"
              />
            )}
            {pictures.length === 0 && <p>You have not sent any pictures yet.</p>}
            <ul class="my-pictures" aria-label="My pictures">
              {pictures.map((picture) => (
                <li key={picture.name}>
                  <a href={here(picture.imageUrl)} target="_blank" rel="noopener">
                    <img
                      src={here(picture.imageUrl)}
                      alt={`${picture.width} × ${picture.height} pixels`}
                      loading="lazy"
                    />
                  </a>
                  <span class="grow small">
                    {sizeOf(picture.size)}, {new Date(picture.createdAt).toLocaleDateString()}
                    <br />
                    <span class="muted">{placesOf(picture)}</span>
                  </span>
                  <IconButton
                    icon="trash"
                    label={`Delete the picture of ${new Date(picture.createdAt).toLocaleString()}`}
                    class="quiet small"
                    disabled={busy !== null}
                    onClick={() => void remove(picture)}
                  />
                </li>
              ))}
            </ul>
            {more && (
              <button type="button" class="button small" onClick={() => void load(more)}>
                More pictures
              </button>
            )}
          </>
        )}
      </div>
    </details>
  );
}

/** Where a picture is shown, in words. */
export function placesOf({ uses }: UploadedPicture): string {
  const places: [number, string, string][] = [
    [uses.lines, "message in a space", "messages in spaces"],
    [uses.directs, "direct message", "direct messages"],
    [uses.avatars, "avatar", "avatars"],
    [uses.elements, "element", "elements"],
    [uses.maps, "map", "maps"],
  ];
  const shown = places
    .filter(([count]) => count > 0)
    .map(([count, one, many]) => `${count} ${count === 1 ? one : many}`);
  return shown.length === 0 ? "Not shown anywhere" : `In ${shown.join(", ")}`;
}
