import { signal } from "@preact/signals";
import { expect, test, vi } from "vitest";
import type { ShownMessage } from "../../net/message-list";
import type { Tab } from "../../ui/chat";
import { Unread } from "./unread";

function counting() {
  const heard = signal<readonly [number, number]>([5, 0]);
  const messages = signal<ShownMessage[]>([]);
  const direct = { unread: 2, read: vi.fn() };
  const seen = new Set<Tab>();
  const unread = new Unread({ conversation: { heard, messages }, direct }, (tab) => seen.has(tab));
  const stop = unread.watch();
  return { heard, messages, direct, seen, unread, stop };
}

test("only messages of a part that is not seen are counted, and only new ones", () => {
  const { heard, seen, unread } = counting();
  expect(unread.counts).toEqual({ space: 0, nearby: 0, direct: 2 });
  seen.add("space");
  heard.value = [7, 1];
  expect(unread.counts).toMatchObject({ space: 0, nearby: 1 });
  seen.clear();
  heard.value = [8, 3];
  expect(unread.counts).toMatchObject({ space: 1, nearby: 3 });
});

test("what is seen counts as read", () => {
  const { heard, direct, unread } = counting();
  heard.value = [6, 1];
  unread.see("nearby");
  expect(unread.counts).toMatchObject({ space: 1, nearby: 0 });
  unread.see("direct");
  expect(direct.read).toHaveBeenCalledOnce();
});

test("the place of the last message that the server has is marked", () => {
  const { messages, unread } = counting();
  const message = (id: string, isWaiting: boolean) => ({ id, isWaiting }) as ShownMessage;
  messages.value = [message("1", false), message("2", false), message("mine-3", true)];
  unread.markRead();
  expect(unread.readUpTo.value).toBe("2");
});

test("nothing is counted after the screen is gone", () => {
  const { heard, unread, stop } = counting();
  stop();
  heard.value = [9, 9];
  expect(unread.counts).toMatchObject({ space: 0, nearby: 0 });
});
