import { beforeEach, describe, expect, test, vi } from "vitest";
import type { ChatPage } from "./api";
import type { ChatLine, ClientMessage } from "./codec";
import { Talk } from "./talk";

const chat = vi.hoisted(() =>
  vi.fn<(space: string, words: string, before: string) => Promise<ChatPage>>(),
);
vi.mock("./api", () => ({ api: { chat } }));

const rules = { kept: true } as ChatPage["rules"];
const line = (at: number): ChatLine => ({
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
});
const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => line(from + index));
const settled = () => new Promise((resolve) => setTimeout(resolve));

/**
 * A person who knows the first three lines, in a space that keeps what is said; what they send is
 * kept, too.
 */
async function talking(): Promise<{ talk: Talk; sent: ClientMessage[] }> {
  const sent: ClientMessage[] = [];
  const talk = new Talk("space", {
    send: (message) => sent.push(message) > 0,
    me: () => ({ player: 1, user: "me", name: "Me" }),
    heard: () => {},
    notice: () => {},
  });
  talk.begin(true);
  talk.take({ type: "History", before: null, lines: lines(0, 3), more: false });
  await settled();
  talk.drop();
  talk.begin(false);
  return { talk, sent };
}

const shown = (talk: Talk) => talk.lines.value.map(({ text }) => text).join(" ");

beforeEach(() => {
  chat.mockReset();
  chat.mockResolvedValue({ lines: [], before: null, rules });
});

describe("lines that were missed while the connection was broken", () => {
  test("are fetched from the space, then from what is kept, until known ones are met", async () => {
    const { talk, sent } = await talking();
    talk.take({ type: "History", before: null, lines: lines(10, 12), more: true });
    expect(sent).toEqual([{ type: "ChatBefore", id: "l10" }]);
    talk.take({ type: "History", before: "l10", lines: lines(8, 10), more: true });
    expect(sent).toHaveLength(2);
    chat.mockResolvedValueOnce({ lines: lines(1, 6), before: "l1", rules });
    talk.take({ type: "History", before: "l8", lines: lines(6, 8), more: false });
    await settled();
    expect(chat).toHaveBeenLastCalledWith("space", "", "l6");
    expect(shown(talk)).toBe("0 1 2 3 4 5 6 7 8 9 10 11");
    expect(talk.gaps.value).toEqual([]);
    expect(talk.heard.value[0], "they count as news").toBe(9);
  });

  test("are marked where they cannot be fetched, and asked for again by hand", async () => {
    const { talk, sent } = await talking();
    talk.take({ type: "History", before: null, lines: lines(10, 12), more: true });
    await settled();
    chat.mockRejectedValueOnce(new Error("The server is away."));
    talk.take({ type: "History", before: "l10", lines: lines(8, 10), more: false });
    await settled();
    expect(talk.gaps.value).toEqual([{ after: "l2", before: "l8", isLost: false }]);
    talk.fill("l8");
    expect(sent.at(-1)).toEqual({ type: "ChatBefore", id: "l8" });
    talk.take({ type: "History", before: "l8", lines: lines(2, 8), more: true });
    expect(talk.gaps.value).toEqual([]);
  });

  test("are looked for where they may be kept as long as the rules are not known", async () => {
    chat.mockRejectedValueOnce(new Error("The server is away."));
    const { talk } = await talking();
    talk.take({ type: "History", before: null, lines: lines(10, 12), more: false });
    chat.mockResolvedValueOnce({ lines: lines(2, 10), before: "l2", rules });
    talk.take({ type: "History", before: "l10", lines: [], more: false });
    await settled();
    expect(shown(talk)).toBe("0 1 2 3 4 5 6 7 8 9 10 11");
    expect(talk.gaps.value).toEqual([]);
  });

  test("that are not kept stay marked", async () => {
    const { talk } = await talking();
    talk.take({ type: "History", before: null, lines: lines(10, 12), more: true });
    talk.take({ type: "History", before: "l10", lines: [], more: false });
    await settled();
    expect(talk.gaps.value).toEqual([{ after: "l2", before: "l10", isLost: true }]);
  });
});

test("an answer that comes twice changes nothing", async () => {
  const { talk } = await talking();
  talk.take({ type: "History", before: null, lines: lines(10, 12), more: true });
  talk.fill("l10");
  talk.take({ type: "History", before: "l10", lines: lines(2, 10), more: true });
  talk.take({ type: "History", before: "l10", lines: lines(2, 10), more: true });
  await settled();
  expect(shown(talk)).toBe("0 1 2 3 4 5 6 7 8 9 10 11");
  expect(talk.hasEarlier.value).toBe(false);
});

test("earlier lines come from the space first, then from what is kept", async () => {
  const { talk, sent } = await talking();
  talk.begin(true);
  talk.take({ type: "Notice", code: "chat-cleared", message: "" });
  talk.take({ type: "History", before: null, lines: lines(10, 12), more: true });
  await settled();
  expect(talk.hasEarlier.value).toBe(true);
  void talk.lookBack();
  expect(sent.at(-1)).toEqual({ type: "ChatBefore", id: "l10" });
  talk.take({ type: "History", before: "l10", lines: lines(8, 10), more: false });
  expect(shown(talk)).toBe("8 9 10 11");
});

test("what made room for new lines can be looked back at", async () => {
  const { talk } = await talking();
  for (const said of lines(3, 200)) talk.take({ type: "Chat", ...said });
  expect(talk.hasEarlier.value).toBe(false);
  talk.take({ type: "Chat", ...line(200) });
  expect(talk.hasEarlier.value).toBe(true);
  chat.mockResolvedValueOnce({ lines: [line(0)], before: null, rules });
  await talk.lookBack();
  expect(chat).toHaveBeenLastCalledWith("space", "", "l1");
  expect(shown(talk).startsWith("0 1 2 3")).toBe(true);
  expect(talk.hasEarlier.value).toBe(false);
});
