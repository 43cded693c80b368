/**
 * Rules: voices carry less far in a reading corner, and the owner changes the space's rules for
 * everyone.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DEVICES, openBrowser, Person, PHONE, Server } from "./plaza.mjs";
import { agree, arrive, bring, goTo, makeSpace, openSettings } from "./talking.mjs";

let server;
let browser;
let ada;
let bo;
let link;

const settings = (person) => person.page.getByRole("dialog", { name: "Space settings" });

before(async () => {
  server = await Server.start();
  browser = await openBrowser(DEVICES);
  ada = await arrive(browser, server, undefined, "Ada");
  link = await makeSpace(ada, "Quiet house", /Office/);
  bo = await bring(browser, server, link, "Bo");
  for (const person of [ada, bo]) await agree(person, "microphone");
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("in a reading corner only people close by hear each other", async () => {
  await goTo(ada, 37, 18);
  await goTo(bo, 41, 18);
  for (const person of [ada, bo]) {
    await person.until(() => {
      const { calls } = globalThis.__plaza();
      return calls.length === 1 && calls[0].gain > 0.2 && calls[0].gain < 0.8;
    });
  }
  // The same distance from Bo as before, but in the corner.
  await goTo(bo, 38, 17);
  await goTo(ada, 34, 17);
  await ada.page.getByText("Voices carry 2 tiles here.").waitFor();
  await ada.shot("reading-corner");
  for (const person of [ada, bo]) await person.until(() => globalThis.__plaza().calls.length === 0);
  await goTo(bo, 33, 17);
  for (const person of [ada, bo]) {
    await person.until(() => {
      const { calls, zones } = globalThis.__plaza();
      return zones.includes("Reading corner") && calls.length === 1 && calls[0].gain > 0.9;
    });
  }
});

test("the owner changes the rules with the keyboard, and everyone is told", async () => {
  const { page } = ada;
  await openSettings(ada, "Chat");
  await settings(ada).getByLabel("Voices carry").focus();
  for (const label of ["Heard at once", "Seen at once", "Walls"]) {
    await page.keyboard.press("Tab");
    const isThere = await settings(ada)
      .getByLabel(label)
      .evaluate((field) => field === document.activeElement);
    assert.ok(isThere, `Tab does not lead to “${label}”`);
  }
  const choose = (label, choice) => settings(ada).getByLabel(label).selectOption({ label: choice });
  await choose("Voices carry", "3 tiles");
  await bo.page
    .getByText("From now on voices carry 3 tiles; at most 16 voices and 9 pictures at once.")
    .waitFor();
  await choose("Heard at once", "The 4 nearest people");
  await choose("Seen at once", "Nobody");
  await choose("Walls", "Stop voices and pictures");
  const words =
    "From now on voices carry 3 tiles and stop at walls; at most 4 voices and no pictures at once.";
  await bo.page.getByText(words).waitFor();
  await ada.shot("voice-rules");
  await page.keyboard.press("Escape");
  // Connected by the old rules, but not by the new ones.
  await goTo(ada, 37, 18);
  await goTo(bo, 41, 18);
  for (const person of [ada, bo]) await person.until(() => globalThis.__plaza().calls.length === 0);
  for (const { complaints } of [ada, bo]) assert.deepEqual(complaints, []);
});

test("on a phone the rules fit the screen", async () => {
  const token = await ada.page.evaluate(() => localStorage.getItem("plaza.token"));
  for (const { context } of [ada, bo]) await context.close();
  const person = await Person.sit(browser, server, PHONE);
  const { page } = person;
  await person.context.addInitScript((token) => localStorage.setItem("plaza.token", token), token);
  await page.goto(link);
  await person.arrive();
  await openSettings(person, "Chat");
  const walls = settings(person).getByLabel("Walls");
  await walls.selectOption({ label: "Let voices and pictures through" });
  await page.getByText(/^From now on voices carry \d tiles; at most/).waitFor();
  const { x, width } = await walls.boundingBox();
  assert.ok(x >= 0 && x + width <= PHONE.viewport.width, `from ${x}, ${width} px wide`);
  await person.shot("phone-voice-rules");
  assert.deepEqual(person.complaints, []);
});
