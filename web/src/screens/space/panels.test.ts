import { expect, test } from "vitest";
import { Panels } from "./panels";

function panels(isSheet = false): { panels: Panels; told: string[] } {
  const told: string[] = [];
  const port = {
    isSheet: () => isSheet,
    saw: (tab: string) => told.push(`saw ${tab}`),
    leftChat: () => told.push("left"),
    closed: () => told.push("closed"),
  };
  return { panels: new Panels("chat", port), told };
}

test("the page of a zone stands in place of what was open, which comes back", () => {
  const { panels: side } = panels();
  side.show("people");
  side.openPage();
  side.openPage();
  expect(side.open.value).toBe("page");
  side.closePage();
  expect(side.open.value).toBe("people");
  side.closePage();
  expect(side.open.value, "another panel is not closed with a page").toBe("people");
});

test("the chat is told when the person looks at it, and when they look away", () => {
  const { panels: side, told } = panels();
  side.choose("nearby");
  expect(side.shows("nearby")).toBe(true);
  side.toggle("people");
  expect(side.shows("nearby")).toBe(false);
  side.toggle("chat");
  side.toggle("chat");
  expect(told).toEqual(["saw nearby", "left", "saw nearby", "left", "closed"]);
});

test("small screens show a card or a panel, not both", () => {
  const { panels: side } = panels(true);
  side.pick(7);
  expect(side.open.value).toBeNull();
  side.show("people");
  expect(side.picked.value).toBeNull();
  const { panels: wide } = panels();
  wide.pick(7);
  expect(wide.open.value).toBe("chat");
});
