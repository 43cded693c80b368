/**
 * Join: comes into a space without an account, by a link: a name, an avatar, and in. `screens/join`
 * has its parts.
 */

import { useEffect, useState } from "preact/hooks";
import { accessApi } from "../net/access-api";
import { type Avatar, api } from "../net/api";
import { here } from "../net/base";
import { useAttempt } from "../ui/attempt";
import { Brand, ErrorNote, Field, Spinner } from "../ui/controls";
import { loadMe } from "../ui/me";
import { go } from "../ui/route";
import { withLocalTimes } from "../ui/times";
import { Choices } from "./avatar/choices";
import { type Place, PlaceHeader } from "./join/place";

/** Letters of the name of a guest; the server adds a mark. */
const NAME_LETTERS = 50;
const NAME = "plaza.guest-name";
const AVATAR = "plaza.guest-avatar";

interface JoinProps {
  place: Place;
  /** The address of this page: people with an account come back to it. */
  from: string;
}

export function JoinScreen({ place, from }: JoinProps) {
  const signIn = here(`/signin?next=${encodeURIComponent(from)}`);
  return (
    <main class="centre">
      <div class="card wide join">
        <Brand />
        <PlaceHeader place={place} />
        {place.closed === null ? (
          <GuestForm place={place} from={from} />
        ) : (
          <p class="as-written" role="status">
            {withLocalTimes(place.closed)}
          </p>
        )}
        <p class="small">
          <a class={`button small ${place.closed === null ? "quiet" : "primary"}`} href={signIn}>
            {place.closed === null ? "I have an account" : "Sign in or sign up"}
          </a>
        </p>
      </div>
    </main>
  );
}

function GuestForm({ place, from }: JoinProps) {
  const [name, setName] = useState(localStorage.getItem(NAME) ?? "");
  const wardrobe = useWardrobe();
  const { error, isBusy, run } = useAttempt();
  const submit = (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    void run(async () => {
      if (name.trim() === "") throw new Error("Say what others may call you.");
      const space = await accessApi.enterAsGuest({
        name: name.trim(),
        ...(wardrobe.chosen !== null && { avatarId: wardrobe.chosen }),
        ...(place.invite === null ? { spaceId: place.id } : { invite: place.invite }),
      });
      localStorage.setItem(NAME, name.trim());
      if (wardrobe.chosen !== null) localStorage.setItem(AVATAR, wardrobe.chosen);
      await loadMe();
      go(place.invite === null ? from : `/s/${space}`, true);
    });
  };
  return (
    <form class="section" onSubmit={submit}>
      <Field
        id="guest-name"
        label="Your name"
        value={name}
        onValue={setName}
        input={{ maxLength: NAME_LETTERS, autocomplete: "nickname", autofocus: true }}
      />
      {wardrobe.avatars.length > 0 && (
        <Choices
          avatars={wardrobe.avatars}
          chosen={wardrobe.chosen}
          onChoose={wardrobe.choose}
          class="strip"
        />
      )}
      {error && <ErrorNote>{error}</ErrorNote>}
      <button type="submit" class="button primary" disabled={isBusy}>
        {isBusy ? <Spinner label="Walking in" /> : "Join"}
      </button>
    </form>
  );
}

interface Wardrobe {
  avatars: Avatar[];
  chosen: string | null;
  choose: (id: string) => void;
}

/** The avatars, the one of the last time or any of them first. Joining works without them. */
function useWardrobe(): Wardrobe {
  const [avatars, setAvatars] = useState<Avatar[]>([]);
  const [chosen, choose] = useState<string | null>(null);
  useEffect(() => {
    api.avatars().then(
      (all) => {
        const last = all.findIndex(({ id }) => id === localStorage.getItem(AVATAR));
        const first = last < 0 ? Math.floor(Math.random() * all.length) : last;
        setAvatars([...all.slice(first), ...all.slice(0, first)]);
        choose(all[first]?.id ?? null);
      },
      () => {},
    );
  }, []);
  return { avatars, chosen, choose };
}
