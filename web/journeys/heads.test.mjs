/**
 * Heads: what is over the heads of people: speech bubbles, which cover no face and go with their
 * person, emotes, and the signs of zones.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, openBrowser, PHONE, Server } from "./plaza.mjs";
import { arrive, bring, goTo, makeSpace } from "./talking.mjs";

let server;
let browser;
let ada;
let bo;
let nora;

before(async () => {
  server = await Server.start();
  browser = await openBrowser();
  ada = await arrive(browser, server, undefined, "Ada", DESKTOP, "Leila");
  const link = await makeSpace(ada, "Heads", /Park/);
  bo = await arrive(browser, server, link, "Bo", { viewport: { width: 900, height: 560 } });
  nora = await bring(browser, server, link, "Nora", PHONE);
  for (const person of [ada, bo, nora])
    await person.until(() => globalThis.__plaza().walkers.length === 3);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** Writes into the field of the chat, without sending it. */
async function write({ page }, text) {
  await page.locator(".world").focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Message to everybody here").fill(text);
}

/** Waits until that many bubbles are shown, and none covers a face, a name or another bubble. */
const untilApart = (person, count) =>
  person.until((count) => {
    const boxes = [...document.querySelectorAll(".speech:not([hidden])")].map((speech) =>
      speech.getBoundingClientRect(),
    );
    const overlap = (one, other) =>
      one.left < other.right &&
      other.left < one.right &&
      one.top < other.bottom &&
      other.top < one.bottom;
    const isApart = boxes.every(
      (box, index) =>
        !globalThis
          .__plaza()
          .faces()
          .some((face) => overlap(box, face)) &&
        !boxes.slice(index + 1).some((other) => overlap(box, other)),
    );
    return boxes.length === count && isApart;
  }, count);

/** Waits for a second of frames: a picture is taken of a frame that the browser drew before. */
const drawn = ({ page }) =>
  page.evaluate(async () => {
    for (let frame = 0; frame < 60; frame++)
      await new Promise((resolve) => requestAnimationFrame(resolve));
  });

test("two people speak next to each other: bubbles cover no face and not each other", async () => {
  const long = "Good morning! Coffee in five minutes at the fountain, and there is cake. ".repeat(
    3,
  );
  await write(ada, long);
  await write(bo, "Is there still room?");
  const seen = [untilApart(ada, 2), untilApart(nora, 2)];
  for (const { page } of [ada, bo]) await page.keyboard.press("Enter");
  await Promise.all(seen);
  const lines = await ada.page
    .locator(".speech > span", { hasText: "Good morning!" })
    .evaluate(
      (words) => words.clientHeight / Number.parseFloat(getComputedStyle(words).lineHeight),
    );
  assert.ok(lines < 4.5, `${lines} lines`);
  await ada.shot("speech");
  await nora.shot("speech-phone");
});

test("an emote stands over the name, and the bubble over the emote", async () => {
  await write(bo, "Hooray!");
  const seen = ada.watchFor(".emote", "🎉");
  await bo.page.keyboard.press("Enter");
  await bo.page.locator(".world").focus();
  await bo.page.keyboard.press("5");
  await (await seen)();
  await ada.shot("emote");
});

test("the sign of a portal is seen before one steps in", async () => {
  await goTo(ada, 29, 30);
  await ada.until(() => globalThis.__plaza().signs.includes("Shortcut to the east shore"));
  await drawn(ada);
  await ada.shot("portal-sign");
});

test("who is behind a tree is seen through it", async () => {
  await goTo(ada, 21, 29);
  await ada.until(() => globalThis.__plaza().seeThrough > 0);
  await drawn(ada);
  await ada.shot("tree");
});

test("the map is drawn from the art; looked at large, a click on it walks there", async () => {
  await ada.page.getByRole("button", { name: "Large map" }).click();
  const map = ada.page.getByRole("dialog", { name: "Map" }).locator("canvas");
  // Grass and water: plain colours have neither.
  await ada.until(() => {
    const canvas = document.querySelector("dialog canvas.minimap");
    const { data } = canvas.getContext("2d").getImageData(canvas.width * 0.75, 40, 1, 1);
    return Math.abs(data[2] - data[0]) > 20;
  });
  await ada.shot("map-large");
  await map.click({ position: { x: 300, y: 300 } });
  await map.waitFor({ state: "detached" });
  await ada.until(() => globalThis.__plaza().walking);
  await ada.page.getByRole("button", { name: "Fold the map" }).click();
  await ada.page.getByRole("button", { name: "Map", exact: true }).click();
  await nora.page.getByRole("button", { name: "Map", exact: true }).tap();
  await nora.shot("map-large-phone");
  await nora.page.getByRole("button", { name: "Close the map" }).tap();
});

test("the bubble of a person out of view is not shown", async () => {
  await goTo(ada, 50, 40);
  await write(bo, "Does anyone hear me?");
  const heard = ada.watchFor(".message", "Does anyone hear me?");
  await bo.page.keyboard.press("Enter");
  await (await heard)();
  assert.equal(await ada.page.locator(".speech").filter({ visible: true }).count(), 0);
});

test("no page complained", () => {
  assert.deepEqual([...ada.complaints, ...bo.complaints, ...nora.complaints], []);
});
