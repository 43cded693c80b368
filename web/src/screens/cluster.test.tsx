import "../fake-browser";
import { render } from "preact-render-to-string";
import { beforeEach, expect, test } from "vitest";
import type { Cluster, RunningNode, RunningSpace } from "../net/api";
import { me } from "../ui/me";
import { ClusterScreen, RunningSpaces } from "./cluster";

const node = (node: string, isDraining = false) => ({ node, isDraining }) as RunningNode;
const space = (name: string, node: string) => ({ spaceId: name, name, node }) as RunningSpace;
const table = (cluster: Cluster) => render(<RunningSpaces cluster={cluster} onMove={() => {}} />);

beforeEach(() => {
  me.value = null;
});

test("a space can be moved to processes that are not being emptied, and not to its own", () => {
  const nodes = [node("a"), node("b"), node("c", true)];
  const html = table({ nodes, spaces: [space("park", "a")] });
  const moves = [...html.matchAll(/aria-label="Move park to (\w)"/g)].map(([, to]) => to);
  expect(moves).toEqual(["b"]);
});

test("no more rows are drawn than the page bears", () => {
  const spaces = Array.from({ length: 203 }, (_, index) => space(`space ${index}`, "a"));
  expect(table({ nodes: [node("a")], spaces })).toContain("And 3 more.");
});

test("the page is for admins", () => {
  expect(render(<ClusterScreen />)).toContain("This page is for admins.");
  me.value = { role: "admin" } as NonNullable<typeof me.value>;
  expect(render(<ClusterScreen />)).toContain("Looking around");
});
