import { beforeEach, expect, test, vi } from "vitest";
import type { Placement, SpaceMap } from "../world/map";
import type { Welcome } from "./codec.gen";
import { MapCopy } from "./space-map";

const spaceMap = vi.hoisted(() => vi.fn<(id: string) => Promise<SpaceMap>>());
vi.mock("./api", () => ({ api: { spaceMap } }));
vi.spyOn(console, "info").mockImplementation(() => {});

const placed = (id: string) => ({ id, x: 1, y: 1, element: { static: false } }) as Placement;
const [stone, tree] = [placed("stone"), placed("tree")];
const map = (version: number, elements: Placement[] = []) =>
  ({ version, width: 2, height: 2, blocked: [], zones: [], elements }) as unknown as SpaceMap;
const settled = () => new Promise((resolve) => setTimeout(resolve));

async function copy(version: number) {
  const port = { changed: vi.fn(), removed: vi.fn(), notice: vi.fn() };
  const part = new MapCopy("park", port);
  part.begin({ gridHash: 0, mapVersion: version } as Welcome);
  await settled();
  return { part, port };
}

beforeEach(() => {
  spaceMap.mockReset().mockResolvedValue(map(3, [stone, tree]));
});

test("the map is fetched, and again only for a version that is newer", async () => {
  const { part, port } = await copy(3);
  expect(part.current?.version).toBe(3);
  expect(port.changed).toHaveBeenCalledOnce();
  part.take({ type: "MapChanged", mapVersion: 3 });
  await settled();
  expect(spaceMap).toHaveBeenCalledTimes(1);
  spaceMap.mockResolvedValue(map(4));
  part.take({ type: "MapChanged", mapVersion: 4 });
  await settled();
  expect([part.current?.version, part.version.value]).toEqual([4, 2]);
});

test("changes that come during a fetch are fetched together", async () => {
  const { part } = await copy(3);
  for (const mapVersion of [4, 5, 6]) part.hear(mapVersion);
  spaceMap.mockResolvedValue(map(6));
  await settled();
  expect(spaceMap).toHaveBeenCalledTimes(3);
  expect(part.current?.version).toBe(6);
});

test("an object that is removed in the next version is removed here, without a fetch", async () => {
  const { part, port } = await copy(3);
  part.take({ type: "Removed", id: "stone", mapVersion: 4 });
  expect(port.removed).toHaveBeenCalledWith(stone);
  expect([part.current?.version, part.current?.elements.length]).toEqual([4, 1]);
  expect(spaceMap).toHaveBeenCalledTimes(1);
  // After a gap something else may have changed, too.
  part.take({ type: "Removed", id: "tree", mapVersion: 6 });
  expect(spaceMap).toHaveBeenCalledTimes(2);
});

test("without a map the failure is shown; with an old one the person is told", async () => {
  spaceMap.mockRejectedValue(new Error("The server is away."));
  const { part, port } = await copy(3);
  expect(part.failure.value).toBe("The server is away.");
  spaceMap.mockResolvedValue(map(3));
  part.hear(3);
  await settled();
  expect(part.failure.value).toBeNull();
  spaceMap.mockRejectedValue(new Error("The server is away."));
  part.hear(4);
  await settled();
  expect(port.notice).toHaveBeenCalledOnce();
  part.close();
});
