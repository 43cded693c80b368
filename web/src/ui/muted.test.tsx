import "../fake-browser";
import { expect, test } from "vitest";
import type { Access } from "../net/access";
import { muteSentence, whyMuted } from "./muted";

const access = (mutes: Record<string, number | null>) =>
  ({ mutedUntil: (what: string) => mutes[what] }) as unknown as Access;

test("a person who is muted is told in what, and until when", () => {
  expect(muteSentence(access({}))).toBeUndefined();
  expect(muteSentence(access({ chat: null, voice: null }))).toBe(
    "A moderator muted you in the chat and by microphone until it is lifted.",
  );
  expect(muteSentence(access({ voice: Date.now() + 60_000 }))).toMatch(/until \d/);
});

test("a switch says why it does nothing", () => {
  expect(whyMuted(access({ voice: null }), "microphone")).toContain("by microphone");
  expect(whyMuted(access({ voice: null }), "camera")).toBeUndefined();
  expect(whyMuted(access({ video: null }), "screen")).toContain("by camera or screen");
});
