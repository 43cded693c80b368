/** Avatar: choose what you look like, with a preview that walks. `screens/avatar` has its parts. */

import { useEffect, useState } from "preact/hooks";
import { type Avatar, api } from "../net/api";
import { here } from "../net/base";
import { useAttempt } from "../ui/attempt";
import { Brand, ErrorNote, Spinner } from "../ui/controls";
import { loadMe, me } from "../ui/me";
import { MyPictures } from "../ui/my-pictures";
import { go } from "../ui/route";
import { Admin } from "./avatar/admin";
import { Choices } from "./avatar/choices";
import { Preview } from "./avatar/figure";

export function AvatarScreen({ next }: { next: string }) {
  const [avatars, setAvatars] = useState<Avatar[] | null>(null);
  const [chosen, setChosen] = useState<string | null>(me.value?.avatarId ?? null);
  const loading = useAttempt();
  const saving = useAttempt();
  const error = loading.error ?? saving.error;

  const load = () =>
    loading.run(async () => {
      const list = await api.avatars();
      setAvatars(list);
      setChosen((current) => current ?? list[0]?.id ?? null);
    });
  useEffect(() => void load(), []);

  const save = () =>
    saving.run(async () => {
      if (!chosen) return;
      await api.chooseAvatar(chosen);
      await loadMe();
      go(next, true);
    });

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
            <Choices avatars={avatars} chosen={chosen} onChoose={setChosen} />
          </div>
        )}
        {me.value?.role === "admin" && avatars && (
          <Admin
            avatar={avatar}
            onChanged={(id) => {
              setChosen(id);
              if (id === null) void loadMe();
              void load();
            }}
          />
        )}
        <MyPictures />
        <div class="row">
          <button
            type="button"
            class="button primary"
            onClick={save}
            disabled={!chosen || saving.isBusy}
          >
            {saving.isBusy ? <Spinner label="Saving" /> : "Looks good"}
          </button>
          <a class="button quiet" href={here(next)}>
            Not now
          </a>
        </div>
      </div>
    </main>
  );
}
