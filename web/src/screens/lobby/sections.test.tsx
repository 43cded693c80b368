import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { SpaceSummary } from "../../net/api";
import { Sections } from "./sections";

const space = (name: string, people: number, mine = false): SpaceSummary => ({
  ...{ id: name, name, people, mine, thumbnail: "", dimensions: "9x9", createdAt: 0 },
  ...{ public: true, accessPolicy: "open", guests: true },
});

function sections(mine: SpaceSummary[], open: SpaceSummary[], search = "", cursor = ""): string {
  const nothing = () => {};
  return render(
    <Sections
      lobby={{ mine, public: open, cursor: null }}
      more={[space("later", 0)]}
      cursor={cursor}
      error={null}
      search={search}
      showMore={async () => {}}
      reload={nothing}
      onShowAll={nothing}
      onCreate={nothing}
      onCopy={nothing}
      onDelete={nothing}
    />,
  );
}

test("spaces with people come first, and later pages follow", () => {
  const html = sections([], [space("empty", 0), space("full", 3)]);
  const names = [...html.matchAll(/title="(\w+)"/g)].map(([, name]) => name);
  expect(names.filter((name) => name !== "Copy")).toEqual(["full", "empty", "later"]);
  expect(html).toContain("3 people");
});

test("only own spaces can be deleted", () => {
  const html = sections([space("home", 1, true)], [space("park", 1)]);
  expect(html).toContain("Delete home");
  expect(html).not.toContain("Delete park");
});

test("a search that finds nothing can be taken back", () => {
  expect(sections([], [], "xyz")).toContain("Nothing is called “xyz”");
  expect(sections([], [])).toContain("You have no space of your own yet.");
});

test("more is offered while there is a next page", () => {
  expect(sections([], [space("park", 1)])).not.toContain("Show more");
  expect(sections([], [space("park", 1)], "", "next")).toContain("Show more");
});
