/** Place: the space that a link leads to, as people see it before they are inside. */

import type { AccessView } from "../../net/access-api";
import type { Invite } from "../../net/api";
import { Thumbnail } from "../../ui/thumbnail";

/** What a link says about its space. */
export interface Place {
  id: string;
  name: string;
  description: string;
  thumbnail: string;
  people: number;
  /** The token of the invite that leads there. */
  invite: string | null;
  /** Who made the invite. */
  by: string | null;
  /** Why a guest cannot come in; `null` when one can. */
  closed: string | null;
}

const NO_GUESTS = "This space takes no guests: come in with an account.";

/** The space of an invite; nothing for one that admits to the server alone. */
export function placeOfInvite(token: string, { space }: Invite): Place | null {
  if (space === null) return null;
  const { id, name, description, thumbnail, people, by, guests } = space;
  return {
    ...{ id, name, description, thumbnail, people, by },
    invite: token,
    closed: guests ? null : NO_GUESTS,
  };
}

/** The space as the server shows it to a person without an account. */
export function placeOfSpace(view: AccessView): Place {
  const { id, name, description, thumbnail, people, guests, takesGuests, refusal } = view;
  // A guest gives the password inside.
  const isShut = refusal !== null && refusal.code !== "password";
  return {
    ...{ id, name, description, thumbnail, people, invite: null, by: null },
    closed: isShut ? refusal.message : guests && takesGuests ? null : NO_GUESTS,
  };
}

/** The picture, the name, and who is inside. */
export function PlaceHeader({ place }: { place: Place }) {
  return (
    <>
      {place.thumbnail !== "" && (
        <div class="place-picture">
          <Thumbnail src={place.thumbnail} />
        </div>
      )}
      <div class="place-words">
        {place.by !== null && <p class="muted">{place.by} invites you to</p>}
        <h1 dir="auto">{place.name}</h1>
        {place.description !== "" && <p dir="auto">{place.description}</p>}
        <p class={`people ${place.people > 0 ? "some" : ""}`}>{inside(place.people)}</p>
      </div>
    </>
  );
}

function inside(people: number): string {
  if (people === 0) return "No one is inside yet. You would be the first.";
  return people === 1 ? "1 person is inside" : `${people} people are inside`;
}
