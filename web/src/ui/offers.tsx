/** Offers: spaces that are offered to this user, to be accepted or declined. */

import { useEffect, useState } from "preact/hooks";
import { reasonOf } from "../net/reason";
import type { Space } from "../net/space";
import { type Offer, transferApi } from "../net/transfer-api";
import { me } from "./me";
import { shortTime } from "./times";

/** Milliseconds between two looks at what is offered. */
const LOOK_EVERY = 30_000;

interface OfferBarProps {
  offers: Pick<Offer, "spaceId" | "name" | "by" | "expiresAt">[];
  onAccept: (space: string, name: string) => void;
  onDecline: (space: string, name: string) => void;
}

export function OfferBar({ offers, onAccept, onDecline }: OfferBarProps) {
  return (
    <>
      {offers.map(({ spaceId, name, by, expiresAt }) => (
        <div key={spaceId} class="knock offer" role="alert">
          <span class="grow">
            {by === "" ? "You are offered" : `${by} offers you`} the space {name}. You would own it,
            and decide who comes in. The offer ends {shortTime(expiresAt)}.
          </span>
          <button
            type="button"
            class="button primary small"
            aria-label={`Accept: ${name}`}
            onClick={() => onAccept(spaceId, name)}
          >
            Accept
          </button>
          <button
            type="button"
            class="button small"
            aria-label={`Decline: ${name}`}
            onClick={() => onDecline(spaceId, name)}
          >
            Decline
          </button>
        </div>
      ))}
    </>
  );
}

/** In the space that is offered. */
export function OfferHere({ space }: { space: Space }) {
  const until = space.access.view.value?.offeredUntil ?? null;
  const [by, setBy] = useState("");
  useEffect(() => {
    if (until === null) return;
    transferApi.mine().then(
      (offers) => setBy(offers.find(({ spaceId }) => spaceId === space.id)?.by ?? ""),
      () => {},
    );
  }, [space, until]);
  if (until === null || until <= Date.now()) return null;
  const decide = (what: (id: string) => Promise<void>) => async () => {
    try {
      await what(space.id);
    } catch (error) {
      space.notice.value = reasonOf(error);
    }
    await space.access.refresh();
  };
  const name = space.access.view.value?.name ?? "";
  return (
    <OfferBar
      offers={[{ spaceId: space.id, name, by, expiresAt: until }]}
      onAccept={decide(transferApi.accept)}
      onDecline={decide(transferApi.end)}
    />
  );
}

/** In the lobby, where people see offers of spaces that they are not in. */
export function OffersToMe({
  say,
  onTaken,
}: {
  say: (words: string) => void;
  onTaken: () => void;
}) {
  const [offers, setOffers] = useState<Offer[]>([]);
  const look = () => transferApi.mine().then(setOffers, () => {});
  useEffect(() => {
    if (me.value?.isGuest) return;
    void look();
    const timer = setInterval(look, LOOK_EVERY);
    return () => clearInterval(timer);
  }, []);
  const decide = async (what: Promise<void>, words: string) => {
    try {
      await what;
      say(words);
      onTaken();
    } catch (error) {
      say(reasonOf(error));
    }
    await look();
  };
  return (
    <OfferBar
      offers={offers}
      onAccept={(id, name) => void decide(transferApi.accept(id), `You own ${name} now.`)}
      onDecline={(id, name) => void decide(transferApi.end(id), `You declined ${name}.`)}
    />
  );
}
