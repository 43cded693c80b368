import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { Avatar } from "../../net/api";
import { Choices } from "./choices";
import { isDrawn } from "./figure";

const drawn = (id: string): Avatar => ({ id, name: id, imageUrl: `/art/avatars/${id}.svg` });

test("the chosen avatar alone is checked, and is the one stop for the Tab key", () => {
  const html = render(
    <Choices avatars={[drawn("fox"), drawn("maya")]} chosen="maya" onChoose={() => {}} />,
  );
  expect(
    [...html.matchAll(/aria-checked="(\w+)"[^>]*tabIndex="(-?\d)"/gi)].map((all) => all.slice(1)),
  ).toEqual([
    ["false", "-1"],
    ["true", "0"],
  ]);
});

test("a picture of a person is no drawn avatar: it can be deleted", () => {
  expect(isDrawn(drawn("fox"))).toBe(true);
  expect(isDrawn({ ...drawn("fox"), imageUrl: "/files/a.png" })).toBe(false);
});
