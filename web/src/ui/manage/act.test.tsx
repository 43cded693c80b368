import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { ModerationKind } from "../../world/moderation";
import { ActDialog } from "./act";

const dialog = (kind: ModerationKind, isGuest = false) =>
  render(
    <ActDialog kind={kind} name="Bo" isGuest={isGuest} onDo={async () => {}} onClose={() => {}} />,
  );

test("each asks for a time, and those that send a person out for a reason", () => {
  expect(dialog("kick")).toContain("May come back after");
  expect(dialog("kick")).toMatch(/selected[^>]*>5 minutes</);
  expect(dialog("ban")).toContain("For good");
  for (const kind of ["kick", "mute", "ban"] as const) {
    expect(dialog(kind).includes('<label for="reason">Reason')).toBe(kind !== "mute");
    expect(dialog(kind)).toContain("Not now");
  }
});

test("a ban of a guest may keep new guests of their network out, and revoke their invite", () => {
  expect(dialog("ban", true)).toContain("Revoke their invite, too");
  expect(dialog("ban")).not.toContain("Revoke their invite, too");
  expect(dialog("ban", true)).toContain("New guests from the same network");
  expect(dialog("ban")).not.toContain("New guests from the same network");
  expect(dialog("kick", true)).not.toContain("New guests from the same network");
});

test("a mute asks what it is about", () => {
  expect(dialog("mute")).toContain("Camera and screen");
  expect(dialog("ban")).not.toContain("Camera and screen");
});
