import "../fake-browser";
import { signal } from "@preact/signals";
import { render } from "preact-render-to-string";
import { beforeEach, expect, test } from "vitest";
import type { Call } from "../media/call";
import type { Space } from "../net/space";
import { Hints } from "./hints";

function hints(): string {
  const space = {
    walking: { tile: { x: 1, y: 1 } },
    conversation: { messages: signal([]) },
    people: { me: 1 },
  } as unknown as Space;
  const call = { isOn: { microphone: signal(false) } } as unknown as Call;
  return render(<Hints space={space} call={call} />);
}

beforeEach(() => localStorage.removeItem("plaza.hints"));

test("a person who is new is told how to walk, in a live region", () => {
  expect(hints()).toContain("arrow keys");
  expect(hints()).toContain('role="status"');
  expect(hints()).not.toContain("microphone");
});

test("who has walked before is told how to talk, and who has talked nothing", () => {
  localStorage.setItem("plaza.hints", "walk");
  expect(hints()).toContain("switch the microphone on (M)");
  localStorage.setItem("plaza.hints", "walk talk");
  expect(hints()).toBe("");
});
