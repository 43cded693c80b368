import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { AccessView } from "../../net/access-api";
import type { Invite } from "../../net/api";
import { PlaceHeader, placeOfInvite, placeOfSpace } from "./place";

const view = (more: Partial<AccessView>) =>
  placeOfSpace({
    ...{
      id: "park",
      name: "Park",
      description: "",
      appeal: "",
      offeredUntil: null,
      thumbnail: "",
      people: 0,
    },
    ...{ guests: true, takesGuests: true, refusal: null },
    ...more,
  } as AccessView);

const invite = (guests: boolean): Invite => ({
  expiresAt: null,
  usesLeft: null,
  space: {
    ...{
      id: "park",
      name: "Park",
      description: "",
      appeal: "",
      offeredUntil: null,
      thumbnail: "",
      people: 1,
    },
    ...{ role: "member", by: "Olga", guests },
  },
});

test("a guest comes into a space that takes guests, on a server that does", () => {
  expect(view({}).closed).toBeNull();
  expect(view({ guests: false }).closed).toContain("no guests");
  expect(view({ takesGuests: false }).closed).toContain("no guests");
});

test("a password is given inside; other refusals are said before", () => {
  const refused = (code: string) =>
    view({ refusal: { code, message: `It is ${code}.`, until: null } }).closed;
  expect(refused("password")).toBeNull();
  expect(refused("closed")).toBe("It is closed.");
  expect(refused("members")).toBe("It is members.");
});

test("an invite leads to its space, or to the server alone", () => {
  expect(placeOfInvite("secret", invite(true))).toMatchObject({ invite: "secret", closed: null });
  expect(placeOfInvite("secret", invite(false))?.closed).toContain("no guests");
  expect(placeOfInvite("secret", { expiresAt: null, usesLeft: 1, space: null })).toBeNull();
});

test("the header says who invites, and how many are inside", () => {
  const place = placeOfInvite("secret", invite(true));
  const html = place ? render(<PlaceHeader place={place} />) : "";
  expect(html).toContain("Olga invites you");
  expect(html).toContain("1 person is inside");
  expect(render(<PlaceHeader place={view({})} />)).toContain("You would be the first");
});
