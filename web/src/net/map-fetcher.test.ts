import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SpaceMap } from "../world/map";
import { MapFetcher } from "./map-fetcher";

const map = (version: number) => ({ version }) as SpaceMap;

/** A fetcher with what it has shown, and how it failed. */
function fetching(fetch: () => Promise<SpaceMap>) {
  const shown: number[] = [];
  const failures: string[] = [];
  const fetcher = new MapFetcher(fetch, {
    version: () => shown.at(-1),
    take: ({ version }) => shown.push(version),
    failed: (reason) => failures.push(reason),
  });
  return { fetcher, shown, failures };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("a map that did not arrive, or is too old, is fetched again", async () => {
  const fetch = vi
    .fn<() => Promise<SpaceMap>>()
    .mockRejectedValueOnce(new Error("The server cannot be reached."))
    .mockResolvedValueOnce(map(1))
    .mockRejectedValueOnce(new Error("The server answered 503."))
    .mockResolvedValueOnce(map(2));
  const { fetcher, shown, failures } = fetching(fetch);
  fetcher.begin(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(shown).toEqual([1, 2]);
  expect(failures).toEqual(["The server cannot be reached.", "The server answered 503."]);
  expect(fetch, "not once it is there").toHaveBeenCalledTimes(4);
});

test("changes that come during a fetch are fetched together", async () => {
  const answers: ((map: SpaceMap) => void)[] = [];
  const fetch = vi.fn(() => new Promise<SpaceMap>((answer) => answers.push(answer)));
  const { fetcher, shown } = fetching(fetch);
  for (const version of [1, 2, 3]) fetcher.hearOf(version);
  answers[0]?.(map(1));
  await vi.advanceTimersByTimeAsync(0);
  answers[1]?.(map(3));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(shown).toEqual([1, 3]);
  fetcher.hearOf(3);
  expect(fetch).toHaveBeenCalledTimes(2);
});

test("nothing is fetched for a person who left", async () => {
  const fetch = vi.fn(() => Promise.reject(new Error("The server cannot be reached.")));
  const { fetcher, failures } = fetching(fetch);
  fetcher.begin(1);
  fetcher.end();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(failures).toHaveLength(1);
});
