import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ChatPage } from "./api";
import type { ChatC2s, ChatMessage } from "./codec.gen";
import { Conversation } from "./conversation";

const chat = vi.hoisted(() =>
  vi.fn<(space: string, words: string, before: string) => Promise<ChatPage>>(),
);
vi.mock("./api", () => ({ api: { chat } }));

const rules = { kept: true } as ChatPage["rules"];
const message = (at: number): ChatMessage => ({
  id: `l${at}`,
  clientId: null,
  player: null,
  user: "bo",
  name: "Bo",
  text: String(at),
  at,
  scope: 0,
  replyTo: null,
  edited: null,
  deleted: false,
  reactions: [],
  mac: [],
});
const messages = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => message(from + index));
const settled = () => new Promise((resolve) => setTimeout(resolve));

/**
 * A person who knows the first three messages, in a space that saves its chat; what they send is
 * saved, too.
 */
async function talking(): Promise<{ conversation: Conversation; sent: ChatC2s[] }> {
  const sent: ChatC2s[] = [];
  const conversation = new Conversation("space", {
    send: (message) => sent.push(message) > 0,
    me: () => ({ player: 1, user: "me", name: "Me" }),
    heard: () => {},
    deleted: () => {},
    notice: () => {},
  });
  conversation.begin(true);
  conversation.take({ type: "History", before: null, messages: messages(0, 3), more: false });
  await settled();
  conversation.drop();
  conversation.begin(false);
  return { conversation, sent };
}

const shown = (conversation: Conversation) =>
  conversation.messages.value.map(({ text }) => text).join(" ");

beforeEach(() => {
  chat.mockReset();
  chat.mockResolvedValue({ messages: [], before: null, rules });
});

describe("messages that were missed while the connection was broken", () => {
  test("are fetched from the space, then from what is kept, until known ones are met", async () => {
    const { conversation, sent } = await talking();
    conversation.take({ type: "History", before: null, messages: messages(10, 12), more: true });
    expect(sent).toEqual([{ type: "Before", id: "l10" }]);
    conversation.take({ type: "History", before: "l10", messages: messages(8, 10), more: true });
    expect(sent).toHaveLength(2);
    chat.mockResolvedValueOnce({ messages: messages(1, 6), before: "l1", rules });
    conversation.take({ type: "History", before: "l8", messages: messages(6, 8), more: false });
    await settled();
    expect(chat).toHaveBeenLastCalledWith("space", "", "l6");
    expect(shown(conversation)).toBe("0 1 2 3 4 5 6 7 8 9 10 11");
    expect(conversation.gaps.value).toEqual([]);
    expect(conversation.heard.value[0], "they count as news").toBe(9);
  });

  test("are looked for behind pages that show only messages of blocked people", async () => {
    const { conversation } = await talking();
    conversation.take({ type: "History", before: null, messages: messages(10, 12), more: true });
    chat.mockResolvedValueOnce({ messages: [], before: "l7", rules });
    chat.mockResolvedValueOnce({ messages: messages(1, 6), before: "l1", rules });
    conversation.take({ type: "History", before: "l10", messages: messages(8, 10), more: false });
    await settled();
    expect(chat).toHaveBeenLastCalledWith("space", "", "l7");
    expect(shown(conversation)).toBe("0 1 2 3 4 5 8 9 10 11");
  });

  test("are marked where they cannot be fetched, and asked for again by hand", async () => {
    const { conversation, sent } = await talking();
    conversation.take({ type: "History", before: null, messages: messages(10, 12), more: true });
    await settled();
    chat.mockRejectedValueOnce(new Error("The server is away."));
    conversation.take({ type: "History", before: "l10", messages: messages(8, 10), more: false });
    await settled();
    expect(conversation.gaps.value).toEqual([{ after: "l2", before: "l8", isLost: false }]);
    conversation.fill("l8");
    expect(sent.at(-1)).toEqual({ type: "Before", id: "l8" });
    conversation.take({ type: "History", before: "l8", messages: messages(2, 8), more: true });
    expect(conversation.gaps.value).toEqual([]);
  });

  test("are looked for where they may be kept as long as the rules are not known", async () => {
    chat.mockRejectedValueOnce(new Error("The server is away."));
    const { conversation } = await talking();
    conversation.take({ type: "History", before: null, messages: messages(10, 12), more: false });
    chat.mockResolvedValueOnce({ messages: messages(2, 10), before: "l2", rules });
    conversation.take({ type: "History", before: "l10", messages: [], more: false });
    await settled();
    expect(shown(conversation)).toBe("0 1 2 3 4 5 6 7 8 9 10 11");
    expect(conversation.gaps.value).toEqual([]);
  });

  test("that are not kept stay marked", async () => {
    const { conversation } = await talking();
    conversation.take({ type: "History", before: null, messages: messages(10, 12), more: true });
    conversation.take({ type: "History", before: "l10", messages: [], more: false });
    await settled();
    expect(conversation.gaps.value).toEqual([{ after: "l2", before: "l10", isLost: true }]);
  });
});

test("an answer that comes twice changes nothing", async () => {
  const { conversation } = await talking();
  conversation.take({ type: "History", before: null, messages: messages(10, 12), more: true });
  conversation.fill("l10");
  conversation.take({ type: "History", before: "l10", messages: messages(2, 10), more: true });
  conversation.take({ type: "History", before: "l10", messages: messages(2, 10), more: true });
  await settled();
  expect(shown(conversation)).toBe("0 1 2 3 4 5 6 7 8 9 10 11");
  expect(conversation.hasEarlier.value).toBe(false);
});

test("earlier messages come from the space first, then from what is kept", async () => {
  const { conversation, sent } = await talking();
  conversation.begin(true);
  conversation.hear("chat-cleared");
  conversation.take({ type: "History", before: null, messages: messages(10, 12), more: true });
  await settled();
  expect(conversation.hasEarlier.value).toBe(true);
  void conversation.lookBack();
  expect(sent.at(-1)).toEqual({ type: "Before", id: "l10" });
  conversation.take({ type: "History", before: "l10", messages: messages(8, 10), more: false });
  expect(shown(conversation)).toBe("8 9 10 11");
});

test("what made room for new messages can be looked back at", async () => {
  const { conversation } = await talking();
  for (const said of messages(3, 200)) conversation.take({ type: "Message", ...said });
  expect(conversation.hasEarlier.value).toBe(false);
  conversation.take({ type: "Message", ...message(200) });
  expect(conversation.hasEarlier.value).toBe(true);
  chat.mockResolvedValueOnce({ messages: [message(0)], before: null, rules });
  await conversation.lookBack();
  expect(chat).toHaveBeenLastCalledWith("space", "", "l1");
  expect(shown(conversation).startsWith("0 1 2 3")).toBe(true);
  expect(conversation.hasEarlier.value).toBe(false);
});

describe("words that are refused are not lost", () => {
  test("a message is said in other words, in the place of the first ones", async () => {
    const { conversation, sent } = await talking();
    conversation.take({ type: "History", before: null, messages: messages(0, 3), more: false });
    conversation.say("darn");
    const first = sent.find((message) => message.type === "Send");
    if (first?.type !== "Send") throw new Error("it was not sent");
    conversation.take({ type: "Refused", clientId: first.clientId, message: "no" });
    const refused = conversation.messages.value.find(({ text }) => text === "darn");
    if (refused?.refused !== "no") throw new Error("it was not refused");
    conversation.sayOtherwise(refused, "oh dear");
    expect(shown(conversation)).toBe("0 1 2 oh dear");
  });

  test("an edit comes back with its words", async () => {
    const { conversation } = await talking();
    const [, second] = conversation.messages.value;
    if (!second) throw new Error("there is no message");
    await conversation.change(second, "darn");
    expect(conversation.refusedEdit.value).toBeNull();
    conversation.hear("filtered");
    expect(conversation.refusedEdit.value?.text).toBe("darn");
    expect(conversation.refusedEdit.value?.id).toBe(second.id);
  });
});
