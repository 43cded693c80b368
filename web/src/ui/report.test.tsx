import "../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { ShownMessage } from "../net/message-list";
import { canQuote, quoteOf } from "../net/reports-api";
import { ReportForm, Sent } from "./report";

const message = (id: string, more: Partial<ShownMessage> = {}): ShownMessage => ({
  ...{ id, user: "eve", name: "Eve", text: `text of ${id}`, scope: 1, at: 7, clientId: null },
  ...{ player: null, replyTo: null, edited: null, deleted: false, reactions: [] },
  ...{ isWaiting: false, refused: null, mac: [0, 15, 255] },
  ...more,
});
const form = (messages: ShownMessage[], first: string | null) =>
  render(
    <ReportForm
      name="Eve"
      messages={messages}
      first={first}
      onSend={async () => {}}
      onClose={() => {}}
    />,
  );

test("a report asks what it is about, and says who sees what", () => {
  const html = form([], null);
  expect(html).toContain("What is it about?");
  expect(html).toContain("What happened (if you like)");
  expect(html).toContain("Not now");
  expect(html).not.toContain("Messages that go with it");
});

test("the message from which it began goes with it, and more of that person's are offered", () => {
  const html = form([message("one"), message("two")], "two");
  expect(html).toContain("1 of at most 20");
  expect(html.match(/<input[^>]*checked/g)).toHaveLength(1);
  expect(html.indexOf("text of two"), "the newest first").toBeLessThan(html.indexOf("text of one"));
});

test("a message is quoted with its proof, as it was first said", () => {
  expect(quoteOf(message("one"))).toEqual({ id: "one", text: "text of one", at: 7, mac: "000fff" });
  const edited = message("one", { text: "nothing", signed: "rude" });
  expect(quoteOf(edited)).toMatchObject({ text: "rude" });
  expect(quoteOf(message("one", { mac: [] })), "the server has it").toEqual({ id: "one" });
});

test("only what the server has said can be quoted", () => {
  expect(canQuote(message("one"))).toBe(true);
  expect(canQuote(message("one", { isWaiting: true }))).toBe(false);
  expect(canQuote(message("one", { refused: "no" }))).toBe(false);
  expect(canQuote(message("one", { deleted: true, text: "" }))).toBe(false);
  expect(canQuote(message("one", { deleted: true, text: "", signed: "rude" }))).toBe(true);
});

test("afterwards it is said what happens next", () => {
  expect(render(<Sent to="admins" onClose={() => {}} />)).toContain("admins of this server");
});
