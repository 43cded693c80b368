import { beforeEach, describe, expect, test, vi } from "vitest";
import type { DirectConversation, SavedDirectMessage } from "./api";
import { Direct } from "./direct";

const server = vi.hoisted(() => ({
  conversations: vi.fn(),
  directs: vi.fn(),
  writeDirect: vi.fn(),
  readDirect: vi.fn(),
}));
vi.mock("./api", () => ({ api: server }));
vi.mock("./http", () => ({
  ApiError: class extends Error {
    constructor(
      readonly status: number,
      message: string,
    ) {
      super(message);
    }
  },
}));

const message = (id: string, from: string, text: string): SavedDirectMessage => ({
  id,
  from,
  name: from,
  to: from === "me" ? "bo" : "me",
  text,
  at: 0,
});
const withBo = (last: SavedDirectMessage, unread: number): DirectConversation => ({
  userId: "bo",
  username: "Bo",
  imageUrl: null,
  last,
  unread,
});
const words = (direct: Direct) =>
  direct.messages.value.map(({ text, isWaiting }) => (isWaiting ? `${text}…` : text));

beforeEach(() => {
  const first = message("1", "bo", "hi");
  server.conversations.mockResolvedValue([withBo(first, 1)]);
  server.directs.mockResolvedValue({ messages: [first], before: null });
  server.readDirect.mockReset().mockResolvedValue(null);
  server.writeDirect.mockReset();
});

async function opened(isSeen: boolean): Promise<Direct> {
  const direct = new Direct(() => "me");
  direct.isSeen = () => isSeen;
  await direct.refresh();
  await direct.open("bo", "Bo");
  return direct;
}

describe("what another user writes", () => {
  test("is unread until it is seen", async () => {
    const unseen = await opened(false);
    expect(unseen.unread).toBe(1);
    unseen.hear({ ...message("2", "bo", "hello?"), clientId: null });
    expect(words(unseen)).toEqual(["hi", "hello?"]);
    expect(unseen.unread).toBe(2);
    unseen.isSeen = () => true;
    unseen.read();
    expect(unseen.unread).toBe(0);
    expect(server.readDirect).toHaveBeenLastCalledWith("bo", "2");
  });

  test("comes once, though it is pushed and asked for, and in the server's order", async () => {
    const direct = await opened(true);
    direct.hear({ ...message("3", "bo", "three"), clientId: null });
    direct.hear({ ...message("2", "bo", "two"), clientId: null });
    direct.hear({ ...message("3", "bo", "three"), clientId: null });
    expect(words(direct)).toEqual(["hi", "two", "three"]);
    expect(direct.unread).toBe(0);
  });
});

describe("what one writes", () => {
  test("waits until the server has it, by push or by answer", async () => {
    const direct = await opened(true);
    const kept = message("2", "me", "hello");
    let clientId = 0;
    server.writeDirect.mockImplementation(async (_to: string, _text: string, number: number) => {
      clientId = number;
      expect(words(direct)).toEqual(["hi", "hello…"]);
      direct.hear({ ...kept, clientId });
      expect(words(direct)).toEqual(["hi", "hello"]);
      return kept;
    });
    await direct.write("hello");
    expect(words(direct)).toEqual(["hi", "hello"]);
    expect(server.writeDirect).toHaveBeenCalledTimes(1);
  });

  test("says why it was refused, and is not sent again", async () => {
    const { ApiError } = await import("./http");
    const direct = await opened(true);
    server.writeDirect.mockRejectedValue(new ApiError(403, "They do not want to hear from you."));
    await direct.write("hello");
    expect(direct.messages.value.at(-1)).toMatchObject({
      text: "hello",
      isWaiting: false,
      refused: "They do not want to hear from you.",
    });
    expect(server.writeDirect).toHaveBeenCalledTimes(1);
  });
});
