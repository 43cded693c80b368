/** Admin: adds avatars made from pictures, and deletes them. */

import { useState } from "preact/hooks";
import { type Avatar, api } from "../../net/api";
import { useAttempt } from "../../ui/attempt";
import { ErrorNote, Field, Spinner } from "../../ui/controls";
import { ACCEPTED, prepared } from "../../ui/pictures";
import { isDrawn } from "./figure";

/** What admins can change; `onChanged` gets the avatar to choose then. */
export function Admin({
  avatar,
  onChanged,
}: {
  avatar: Avatar | undefined;
  onChanged: (id: string | null) => void;
}) {
  return (
    <>
      <AddAvatar onAdded={onChanged} />
      {avatar && !isDrawn(avatar) && (
        <DeleteAvatar avatar={avatar} onDeleted={() => onChanged(null)} />
      )}
    </>
  );
}

/** An admin's picture becomes an avatar for everybody. */
function AddAvatar({ onAdded }: { onAdded: (id: string) => void }) {
  const [file, setFile] = useState<File | null>(null);
  const [name, setName] = useState("");
  const { error, isBusy, run } = useAttempt();

  const submit = (event: Event) => {
    event.preventDefault();
    if (!file) return;
    void run(async () => {
      const { imageUrl } = await api.uploadAvatar(await prepared(file));
      const { avatarId } = await api.addAvatar(name.trim(), imageUrl);
      setFile(null);
      setName("");
      onAdded(avatarId);
    });
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
  const [isAsking, setAsking] = useState(false);
  const { error, run } = useAttempt();
  const remove = () => {
    setAsking(false);
    return run(async () => {
      await api.deleteAvatar(avatar.id);
      onDeleted();
    });
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
