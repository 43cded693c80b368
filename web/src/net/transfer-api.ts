/** Transfer api: the server's HTTP calls about offers of spaces, with parsers of their answers. */

import { ask, type Schema, tell } from "./http";
import { list, nullable, number, object, string } from "./parse";

/** An offer of a space. */
export type Offer = Schema<"OfferEntry">;

const offer = object<Offer>({
  spaceId: string,
  name: string,
  userId: string,
  username: string,
  by: string,
  expiresAt: number,
});
const offerView = object<Schema<"OfferView">>({ offer: nullable(offer) });
const offers = object<Schema<"OfferList">>({ offers: list(offer) });

export const transferApi = {
  /** Offers to this user. */
  mine: async () => (await ask("get", "/transfer", {}, offers)).offers,
  /** The offer of a space that this user owns. */
  of: async (id: string) =>
    (await ask("get", "/space/{id}/transfer", { path: { id } }, offerView)).offer,
  offer: async (id: string, username: string) =>
    (await ask("post", "/space/{id}/transfer", { path: { id }, body: { username } }, offerView))
      .offer,
  /** Withdraws an offer, or declines it. */
  end: (id: string) => tell("delete", "/space/{id}/transfer", { path: { id } }),
  accept: (id: string) => tell("post", "/space/{id}/transfer/accept", { path: { id } }),
};
