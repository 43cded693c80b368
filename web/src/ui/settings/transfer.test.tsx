import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import { OfferBar } from "../offers";
import { TransferForm } from "./transfer";

const expiresAt = Date.UTC(2026, 4, 3, 12);
const nothing = () => {};

test("an offer that is open can be withdrawn, and no other one is made", () => {
  const offer = {
    ...{ spaceId: "park", name: "Park", userId: "bo", username: "Bo", by: "Ada" },
    expiresAt,
  };
  const form = { error: null, onOffer: nothing, onWithdraw: nothing };
  const open = render(<TransferForm {...form} offer={offer} />);
  expect(open).toContain("Offered to Bo.");
  expect(open).toContain("Withdraw");
  expect(open).not.toContain("Who is to own it");
  expect(render(<TransferForm {...form} offer={null} />)).toContain("Who is to own it");
});

test("a person to whom a space is offered accepts or declines it by name", () => {
  const offers = [{ spaceId: "park", name: "Park", by: "Ada", expiresAt }];
  const html = render(<OfferBar offers={offers} onAccept={nothing} onDecline={nothing} />);
  expect(html).toContain("Ada offers you the space Park.");
  expect(html).toContain('aria-label="Accept: Park"');
  expect(html).toContain('aria-label="Decline: Park"');
  const [offer] = offers.map((offer) => ({ ...offer, by: "" }));
  if (!offer) throw new Error("there is one");
  const unnamed = render(<OfferBar offers={[offer]} onAccept={nothing} onDecline={nothing} />);
  expect(unnamed).toContain("You are offered the space Park.");
});
