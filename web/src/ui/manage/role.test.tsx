import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import { RoleDialog } from "./role";

function dialog(role: string, own: string, isMember = true): string {
  const standing = { userId: "bo", username: "Bo", role, isMember, mayAct: true };
  const port = { give: async () => {}, take: async () => {} };
  return render(
    <RoleDialog name="Bo" standing={standing} own={own} port={port} onClose={() => {}} />,
  );
}

test("the role that the person has is chosen", () => {
  expect(dialog("builder", "owner")).toMatch(/value="builder"[^>]*checked/);
  expect(dialog("visitor", "owner", false)).toMatch(/value="none"[^>]*checked/);
});

test("only roles below the own one are offered", () => {
  expect(dialog("member", "owner")).toContain('value="moderator"');
  expect(dialog("member", "moderator")).not.toContain('value="moderator"');
});

test("a guest has a role by an invite alone", () => {
  expect(dialog("guest", "owner", false)).toContain("keep their name first");
  expect(dialog("guest", "owner", false)).not.toContain("Save");
});
