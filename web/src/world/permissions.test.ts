import { expect, test } from "vitest";
import { isAbove, nameOfRole, ROLES, rolesToGive, rolesToInvite } from "./permissions";

test("people act on lower roles only", () => {
  for (const [at, one] of ROLES.entries())
    for (const [than, other] of ROLES.entries()) expect(isAbove(one, other)).toBe(at > than);
});

test("people give roles below their own, and the role of the owner never", () => {
  expect(rolesToGive("owner")).toEqual(["member", "builder", "moderator"]);
  expect(rolesToGive("moderator")).toEqual(["member", "builder"]);
  expect(rolesToGive("member")).toEqual([]);
  expect(rolesToGive("guest")).toEqual([]);
});

test("an invite makes no moderators", () => {
  expect(rolesToInvite("owner")).toEqual(["visitor", "member", "builder"]);
  expect(rolesToInvite("member")).toEqual(["visitor"]);
});

test("a role of a later version is below all others, and has its word for a name", () => {
  expect(isAbove("guest", "curator")).toBe(true);
  expect(rolesToGive("curator")).toEqual([]);
  expect(nameOfRole("curator")).toBe("curator");
});
