/** Furniture: art that no built-in map shows is loaded when it is placed, and then drawn. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { post, startJourney } from "./plaza.mjs";
import { WINDOW } from "./talking.mjs";

/** What is placed, with its top left tile: a café, some music and a game. */
const PLACED = [
  ["espresso-bar", 2, 2],
  ["cake-display", 5, 2],
  ["table-bistro", 4, 6],
  ["chair-bistro-right", 3, 6],
  ["chair-bistro-terracotta-left", 5, 6],
  ["rug-plum", 8, 5],
  ["sofa-teal", 8, 4],
  ["armchair-sage-left", 12, 5],
  ["fireplace", 12, 1],
  ["drum-kit", 2, 8],
  ["table-chess", 10, 8],
  ["chair-dining-right", 9, 9],
];

const journey = startJourney();

test("art of later pages is fetched once it is to be seen", async () => {
  const { server } = journey;
  const ada = await journey.sit(WINDOW);
  const asked = [];
  ada.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await ada.page.goto("/");
  await ada.signUp("Ada");
  await ada.choose("Jonas");
  const token = await ada.page.evaluate(() => localStorage.getItem("plaza.token"));
  const made = { name: "Café", dimensions: "18x12" };
  const { spaceId } = await post(server, "space", made, token);
  await ada.page.goto(`/s/${spaceId}?debug`);
  await ada.arrive();
  const pages = (name) => asked.filter((path) => path.startsWith(`/atlas/${name}-`));
  assert.ok(pages("atlas").length > 0);
  assert.deepEqual(pages("more"), []);
  await ada.shot("furniture-none");

  const { elements } = await (await fetch(`${server.address}/api/v1/catalogue`)).json();
  const later = ada.page.waitForResponse((answer) => answer.url().includes("/atlas/more-0.png"));
  for (const [key, x, y] of PLACED) {
    const elementId = elements.find(({ imageUrl }) => imageUrl === `/art/elements/${key}.svg`).id;
    await post(server, "space/element", { spaceId, elementId, x, y }, token);
  }
  assert.equal((await later).status(), 200);
  // No element came as a picture of its own, which would be blurred.
  assert.deepEqual(
    asked.filter((path) => path.startsWith("/art/elements/")),
    [],
  );
  await ada.shot("furniture");
  assert.deepEqual(ada.complaints, []);
});
