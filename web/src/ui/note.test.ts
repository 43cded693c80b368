import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { letGo, STAYS } from "./note";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a note goes after five seconds", () => {
  const set = vi.fn();
  letGo({ words: "The link is copied.", stays: false }, set);
  vi.advanceTimersByTime(4999);
  expect(set).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(set).toHaveBeenCalledExactlyOnceWith({ words: "", stays: false });
});

test("a link to be copied by hand stays, and a later note has its own five seconds", () => {
  const set = vi.fn();
  expect(letGo({ words: "https://plaza.test/s/1", stays: true }, set)).toBeUndefined();
  const keep = letGo({ words: "Office is deleted.", stays: false }, set);
  vi.advanceTimersByTime(STAYS - 1);
  keep?.();
  letGo({ words: "Park is deleted.", stays: false }, set);
  vi.advanceTimersByTime(STAYS - 1);
  expect(set).not.toHaveBeenCalled();
});
