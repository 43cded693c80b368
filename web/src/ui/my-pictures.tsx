/**
 * My pictures: what I brought to this server, how much of my share it takes, and a way to free it.
 */

import { useState } from "preact/hooks";
import { api, type UploadedPicture } from "../net/api";
import { here } from "../net/base";
import { useAttempt } from "./attempt";
import { ErrorNote, IconButton, Spinner } from "./controls";
import { sizeOf } from "./pictures";

/** The pictures that are shown; `after` is the cursor of the next page. */
type Page = Awaited<ReturnType<typeof api.uploads>>;

export function MyPictures() {
  const [page, setPage] = useState<Page | null>(null);
  const { error, isBusy, run } = useAttempt();

  const load = (after: string) =>
    run(async () => {
      const { uploads, ...rest } = await api.uploads(after);
      const before = after === "" ? [] : (page?.uploads ?? []);
      setPage({ uploads: [...before, ...uploads], ...rest });
    });

  const remove = (picture: UploadedPicture) =>
    run(async () => {
      await api.deleteUpload(picture.name);
      setPage(
        (page) =>
          page && {
            ...page,
            uploads: page.uploads.filter(({ name }) => name !== picture.name),
            used: Math.max(0, page.used - picture.size),
          },
      );
    });

  return (
    <details onToggle={(event) => event.currentTarget.open && void load("")}>
      <summary>My pictures on this server</summary>
      <div class="section" style={{ marginTop: "0.75rem" }}>
        {error && <ErrorNote>{error}</ErrorNote>}
        {!page && !error && <Spinner label="Fetching your pictures" />}
        {page && (
          <>
            <Share used={page.used} quota={page.quota} />
            {page.uploads.length === 0 && <p>You have not sent any pictures yet.</p>}
            <ul class="my-pictures" aria-label="My pictures">
              {page.uploads.map((picture) => (
                <PictureItem
                  key={picture.name}
                  picture={picture}
                  isBusy={isBusy}
                  onDelete={() => void remove(picture)}
                />
              ))}
            </ul>
            {page.after && (
              <button
                type="button"
                class="button small"
                onClick={() => void load(page.after ?? "")}
              >
                More pictures
              </button>
            )}
          </>
        )}
      </div>
    </details>
  );
}

/** How much of the own share is used. */
function Share({ used, quota }: Pick<Page, "used" | "quota">) {
  return (
    <>
      <p class="muted small">
        {quota === null
          ? `They take ${sizeOf(used)}.`
          : `They take ${sizeOf(used)} of ${sizeOf(quota)}.`}{" "}
        Deleting one removes it from every message that shows it.
      </p>
      {quota !== null && (
        <progress class="share" max={quota} value={used} aria-label="Used of your share" />
      )}
    </>
  );
}

interface PictureItemProps {
  picture: UploadedPicture;
  isBusy: boolean;
  onDelete: () => void;
}

function PictureItem({ picture, isBusy, onDelete }: PictureItemProps) {
  const at = new Date(picture.createdAt);
  return (
    <li>
      <a href={here(picture.imageUrl)} target="_blank" rel="noopener">
        <img
          src={here(picture.imageUrl)}
          alt={`${picture.width} × ${picture.height} pixels`}
          loading="lazy"
        />
      </a>
      <span class="grow small">
        {sizeOf(picture.size)}, {at.toLocaleDateString()}
        <br />
        <span class="muted">{placesOf(picture)}</span>
      </span>
      <IconButton
        icon="trash"
        label={`Delete the picture of ${at.toLocaleString()}`}
        class="quiet small"
        disabled={isBusy}
        onClick={onDelete}
      />
    </li>
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
