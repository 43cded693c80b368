import { expect, test } from "vitest";
import { MODERATION, mutedIn } from "./moderation";

test("the usual time is one of those that are offered", () => {
  for (const { lasts, usual } of Object.values(MODERATION)) expect(lasts).toContain(usual);
});

test("what a person is muted in reads as a sentence", () => {
  expect(mutedIn(["chat"])).toBe("in the chat");
  expect(mutedIn(["chat", "voice"])).toBe("in the chat and by microphone");
  expect(mutedIn(["chat", "voice", "video"])).toBe(
    "in the chat, by microphone and by camera or screen",
  );
});
