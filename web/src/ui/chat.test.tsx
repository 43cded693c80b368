import "../fake-browser";
import { signal } from "@preact/signals";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { Card } from "../net/codec.gen";
import { NEARBY, SPACE } from "../net/conversation";
import type { Gap, ShownMessage } from "../net/message-list";
import type { Space } from "../net/space";
import { ChatPanel, type Tab } from "./chat";

const message = (id: string, user: string, scope = SPACE): ShownMessage => ({
  ...{ id, user, name: user, text: `text of ${id}`, scope, at: 0 },
  ...{ clientId: null, player: null, replyTo: null, edited: null, deleted: false, reactions: [] },
  ...{ isWaiting: false, refused: null, mac: [] },
});
const card = (player: number, name: string) => ({ player, name, user: name }) as Card;

interface Given {
  tab?: Tab;
  kept?: boolean;
  gaps?: Gap[];
  blocked?: string[];
  readUpTo?: string;
}

function panel({ tab = "space", kept = false, gaps = [], blocked = [], readUpTo }: Given): string {
  const space = {
    people: {
      me: 1,
      all: signal([card(1, "Ada"), card(2, "Bo")]),
      blocked: signal(new Set(blocked)),
    },
    conversation: {
      messages: signal([
        message("m1", "Ada"),
        message("m2", "Bo"),
        message("m3", "Cleo", NEARBY),
        message("m4", "Bo"),
      ]),
      gaps: signal(gaps),
      rules: signal({ kept, mayModerate: false }),
      typing: signal([2]),
      refusedEdit: signal(null),
      hasEarlier: signal(false),
      canReact: () => false,
      canChange: () => false,
    },
  } as unknown as Space;
  return render(
    <ChatPanel
      space={space}
      input={{ current: null }}
      tab={tab}
      unread={{ space: 0, nearby: 3, direct: 0 }}
      readUpTo={readUpTo ?? null}
      onTab={() => {}}
      onClose={() => {}}
    />,
  );
}
const shown = (html: string) => [...html.matchAll(/text of (m\d)/g)].map(([, id]) => id);

test("each tab shows its own messages, and counts what is unread", () => {
  expect(shown(panel({}))).toEqual(["m1", "m2", "m4"]);
  const nearby = panel({ tab: "nearby" });
  expect(shown(nearby)).toEqual(["m3"]);
  expect(nearby).toMatch(/aria-selected="true"[^>]*>Nearby<span[^>]*>3 unread/);
});

test("messages of blocked users are not shown", () => {
  expect(shown(panel({ blocked: ["Bo"] }))).toEqual(["m1"]);
});

test("only saved messages can be searched", () => {
  expect(panel({})).not.toContain("Search what was said");
  expect(panel({ kept: true })).toContain("Search what was said");
});

test("a gap stands before the next message that is shown", () => {
  const gaps = [{ after: "m2", before: "m3", isLost: false }];
  const html = panel({ gaps });
  expect(html.indexOf("Show the messages missing here")).toBeGreaterThan(
    html.indexOf("text of m2"),
  );
  expect(html.indexOf("Show the messages missing here")).toBeLessThan(html.indexOf("text of m4"));
});

test("the first message of others that was not read is marked", () => {
  const html = panel({ readUpTo: "m2" });
  expect(html.indexOf("New since you were away")).toBeGreaterThan(html.indexOf("text of m2"));
  expect(panel({ readUpTo: "m4" })).not.toContain("New since you were away");
});

test("those who type are named", () => {
  expect(panel({})).toContain("Bo is typing…");
});
