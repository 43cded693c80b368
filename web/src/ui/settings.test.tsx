import "../fake-browser";
import { signal } from "@preact/signals";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { Space } from "../net/space";
import type { Permission } from "../world/permissions";
import { SpaceSettings } from "./settings";

function tabs(...may: Permission[]): string[] {
  const space = {
    id: "park",
    access: { view: signal(null), may: (one: Permission) => may.includes(one), refresh() {} },
    conversation: { rules: signal(null) },
    settings: { current: signal(null) },
  } as unknown as Space;
  const html = render(<SpaceSettings space={space} onPerson={() => {}} onClose={() => {}} />);
  return [...html.matchAll(/role="tab"[^>]*>([\w ]+)/g)].map(([, name = ""]) => name);
}

test("each person sees the parts that they may change", () => {
  expect(tabs()).toEqual(["Chat", "Your reports"]);
  expect(tabs("invite")).toEqual(["Invites", "Chat", "Your reports"]);
  expect(tabs("describe", "assign-roles", "invite")).toEqual([
    "General",
    "People",
    "Invites",
    "Chat",
    "Your reports",
  ]);
  expect(tabs("moderate")).toEqual(["Moderation", "Reports", "Log", "Chat", "Your reports"]);
  expect(tabs("manage-access")).toContain("Access");
});
