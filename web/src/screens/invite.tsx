/**
 * Invite: what a link leads to before the person is inside: the space of an invite, or a space that
 * a person without an account was sent the address of.
 */

import { useEffect, useState } from "preact/hooks";
import { accessApi } from "../net/access-api";
import { api, type Invite } from "../net/api";
import { here } from "../net/base";
import { useAttempt } from "../ui/attempt";
import { Brand, ErrorNote, Spinner } from "../ui/controls";
import { me } from "../ui/me";
import { go } from "../ui/route";
import { JoinScreen } from "./join";
import { type Place, PlaceHeader, placeOfInvite, placeOfSpace } from "./join/place";
import { SignScreen } from "./sign";

/** An invite, or why it does not count; nothing until it is known. */
type Found = { invite: Invite } | { reason: string } | undefined;

export function InviteScreen({ token }: { token: string }) {
  const found = useInvite(token);
  if (found === undefined) return <Wait />;
  if ("reason" in found) return <NoInvite reason={found.reason} />;
  const place = placeOfInvite(token, found.invite);
  if (me.value) return place ? <Accept place={place} token={token} /> : <HasAccount />;
  if (place) return <JoinScreen place={place} from={`/i/${token}`} />;
  return <SignScreen next="/" invite={{ token, ...found.invite }} />;
}

/** The address of a space, before the person has an account. */
export function OutsideScreen({ id, from }: { id: string; from: string }) {
  const [place, setPlace] = useState<Place | null | undefined>();
  useEffect(() => {
    accessApi.view(id).then(
      (view) => setPlace(placeOfSpace(view)),
      // Members may know of it.
      () => setPlace(null),
    );
  }, [id]);
  if (place === undefined) return <Wait />;
  return place ? <JoinScreen place={place} from={from} /> : <SignScreen next={from} />;
}

function useInvite(token: string): Found {
  const [found, setFound] = useState<Found>();
  useEffect(() => {
    api.invite(token).then(
      (invite) => setFound({ invite }),
      (caught: Error) => setFound({ reason: caught.message }),
    );
  }, [token]);
  return found;
}

function Wait() {
  return (
    <main class="centre">
      <Spinner label="One moment" />
    </main>
  );
}

function NoInvite({ reason }: { reason: string }) {
  return (
    <main class="centre">
      <div class="card">
        <Brand />
        <h1>This link leads nowhere</h1>
        <ErrorNote>{reason}</ErrorNote>
        <a class="button" href={here(me.value ? "/" : "/signin")}>
          {me.value ? "To the lobby" : "I have an account"}
        </a>
      </div>
    </main>
  );
}

/** An invite to the server is for people without an account. */
function HasAccount() {
  return (
    <main class="centre">
      <div class="card">
        <Brand />
        <h1>You are in already</h1>
        <p>This invite is for people without an account on this server.</p>
        <a class="button primary" href={here("/")}>
          To the lobby
        </a>
      </div>
    </main>
  );
}

/** A person with an account comes by an invite. */
function Accept({ place, token }: { place: Place; token: string }) {
  const { error, isBusy, run } = useAttempt();
  const accept = () => run(async () => go(`/s/${await accessApi.acceptInvite(token)}`, true));
  return (
    <main class="centre">
      <div class="card wide join">
        <Brand />
        <PlaceHeader place={place} />
        {error && <ErrorNote>{error}</ErrorNote>}
        <div class="row">
          <button type="button" class="button primary" disabled={isBusy} onClick={accept}>
            {isBusy ? <Spinner label="Walking in" /> : `Join as ${me.value?.username}`}
          </button>
          <a class="button quiet" href={here("/")}>
            Not now
          </a>
        </div>
      </div>
    </main>
  );
}
