import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { Member } from "../../net/access-api";
import { MemberList } from "./people";

const member = (username: string, role: string, isGuest = false): Member => ({
  ...{ userId: username, username, role, isGuest, at: 0, by: null },
});

function members(role: string, ...list: Member[]): string {
  const nothing = () => {};
  return render(
    <MemberList
      owner={{ userId: "o", username: "Olga" }}
      members={list}
      role={role}
      onGive={nothing}
      onRemove={nothing}
    />,
  );
}

test("moderators act on lower roles only", () => {
  const html = members("moderator", member("Mo", "moderator"), member("Bo", "builder"));
  expect(html).not.toContain("Role of Mo");
  expect(html).not.toContain("Remove Mo");
  expect(html).toContain("Role of Bo");
  expect(html).toContain("Remove Bo");
  expect(html).not.toContain("Remove Olga");
});

test("a guest has a role by an invite alone, and can be removed", () => {
  const html = members("owner", member("Gus", "member", true));
  expect(html).not.toContain("Role of Gus");
  expect(html).toContain("Remove Gus");
});

test("an empty list says what to do", () => {
  expect(members("owner")).toContain("No members yet.");
});
