import { expect, test, vi } from "vitest";

vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => {}, removeItem: () => {} });
const { mergeHistory } = await import("./space");

const line = (text: string, at: number) => ({
  id: `${text}-${at}`,
  clientId: null,
  player: null,
  user: "me",
  name: "Me",
  text,
  at,
});
const mine = (text: string, at: number, isWaiting: boolean, refused: string | null = null) => ({
  ...line(text, at),
  isWaiting,
  refused,
});

test("after a break the history is shown, and a line that did not arrive says so", () => {
  const merged = mergeHistory(
    [line("hello", 1_000_000)],
    [mine("hello", 999_990, true), mine("lost", 1_000_500, true), mine("older", 900_000, false)],
  );
  expect(merged.map(({ text, refused, isWaiting }) => [text, refused !== null, isWaiting])).toEqual([
    ["hello", false, false],
    ["lost", true, false],
  ]);
});

test("a line that was refused stays to be read", () => {
  const merged = mergeHistory([line("hello", 1_000)], [mine("too long", 900, false, "Too long.")]);
  expect(merged.map(({ refused }) => refused)).toEqual([null, "Too long."]);
});
