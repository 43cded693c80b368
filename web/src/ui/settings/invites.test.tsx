import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { SpaceInvite } from "../../net/access-api";
import { InviteList } from "./invites";

const invite = (more: Partial<SpaceInvite>): SpaceInvite => ({
  ...{ id: "1", role: "member", label: "", uses: 0, maxUses: null, at: 0, by: "Olga" },
  ...{ expiresAt: null, state: "good" },
  ...more,
});
const list = (...invites: SpaceInvite[]) =>
  render(<InviteList invites={invites} mayRemovePeople={true} onRevoke={() => {}} />);

test("an invite says what it is for, how many came, and how long it holds", () => {
  const html = list(invite({ label: "For the team", uses: 2, maxUses: 5 }));
  expect(html).toContain("For the team");
  expect(html).toContain("Member · 2 of 5 came · for good · by Olga");
  expect(list(invite({ state: "used" }))).toContain("used up");
});

test("an invite without a note is named by its role", () => {
  expect(list(invite({}))).toContain("Revoke “Invite for members”");
});

test("an empty list says what to do", () => {
  expect(list()).toContain("No invites yet.");
});
