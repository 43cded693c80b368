import "../fake-browser";
import { signal } from "@preact/signals";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { Conversation } from "../net/conversation";
import type { ShownMessage } from "../net/message-list";
import { MessageItem } from "./message";

function item(more: Partial<ShownMessage>, mayModerate = false): string {
  const message: ShownMessage = {
    ...{ id: "m", user: "bo", name: "Bo", text: "hello", scope: 0, at: 0, clientId: null },
    ...{ player: null, replyTo: null, edited: null, deleted: false, reactions: [] },
    ...{ isWaiting: false, refused: null, mac: [] },
    ...more,
  };
  const conversation = {
    canReact: () => false,
    canChange: () => !message.deleted,
    rules: signal({ mayModerate }),
  } as unknown as Conversation;
  const nothing = () => {};
  return render(
    <MessageItem
      message={message}
      conversation={conversation}
      known={{
        names: { me: "Ada", others: [] },
        me: "ada",
        faceOf: () => null,
        nameOf: (user) => user.toUpperCase(),
      }}
      isContinued={false}
      quoted={undefined}
      onReply={nothing}
      onEdit={nothing}
      onQuote={nothing}
      onReport={nothing}
    />,
  );
}

test("a deleted message says so, and nothing can be done with it", () => {
  const html = item({ deleted: true }, true);
  expect(html).toContain("This message was deleted.");
  expect(html).not.toContain("hello");
  expect(html).not.toContain("Message of Bo");
});

test("a message that was refused says why, and can be sent again if it is one's own", () => {
  const html = item({ refused: "Too fast.", clientId: 7 });
  expect(html).toContain("Too fast.");
  expect(html).toContain("Try again");
  expect(item({ refused: "Too fast." })).not.toContain("Try again");
});

test("a reaction names those who gave it", () => {
  const html = item({ reactions: [{ emoji: "👍", users: ["ada", "bo"], more: 2 }] });
  expect(html).toContain("ADA, BO and 2 more");
  expect(html).toMatch(/aria-pressed="true"[^>]*>👍 <span>4</);
});
