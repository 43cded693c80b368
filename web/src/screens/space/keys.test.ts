import { expect, test, vi } from "vitest";
import { HeldKeys } from "../../ui/keyboard";

class FakeElement {
  constructor(private readonly tag = "div") {}
  /** Selectors of tags only. */
  closest(selector: string): FakeElement | null {
    return selector.split(", ").includes(this.tag) ? this : null;
  }
}
vi.stubGlobal("Element", FakeElement);
vi.stubGlobal("HTMLElement", FakeElement);
vi.stubGlobal("document", { querySelector: () => null });
vi.mock("../../ui/network", () => ({ toggleNetwork: () => told.push("network") }));
const told: string[] = [];
const { press } = await import("./keys");

/** What the key does, pressed on an element of that kind. */
function on(tag: string, key: string, more: Partial<KeyboardEvent> = {}): string[] {
  told.length = 0;
  const say = (what: string) => (value?: number) => told.push([what, value ?? []].flat().join(" "));
  const port = {
    hold: say("hold"),
    emote: say("emote"),
    zoomBy: say("zoom"),
    openChat: say("chat"),
    focusWorld: say("world"),
    stopFollowing: say("stop"),
  };
  const event = { key, code: key, target: new FakeElement(tag), preventDefault: () => {}, ...more };
  press(event as unknown as KeyboardEvent, new HeldKeys(port.hold), port);
  return told;
}

test("keys walk, show emotes, zoom and open the chat", () => {
  expect(on("div", "ArrowRight")).toEqual(["hold 3"]);
  expect(on("div", "3")).toEqual(["emote 2"]);
  expect(on("div", "-")).toEqual([`zoom ${1 / 1.2}`]);
  expect(on("div", "Enter")).toEqual(["chat"]);
});

test("what is typed into a field does nothing else", () => {
  expect(on("textarea", "3")).toEqual([]);
  expect(on("input", "w")).toEqual([]);
  expect(on("select", "ArrowDown")).toEqual([]);
});

test("keys with a command of the browser are left to it", () => {
  expect(on("div", "3", { ctrlKey: true })).toEqual([]);
});

test("Enter presses the button that has the focus", () => {
  expect(on("button", "Enter")).toEqual([]);
});

test("in a panel the arrow keys scroll", () => {
  expect(on(".panel", "ArrowDown")).toEqual([]);
});

test("Escape leaves the field first, and stops following when nothing is open", () => {
  expect(on("textarea", "Escape")).toEqual(["world"]);
  expect(on("div", "Escape")).toEqual(["stop"]);
});

test("the key for network figures works in a field, too", () => {
  expect(on("textarea", "F3")).toEqual(["network"]);
});
