/**
 * Bubbles: people talk in bubbles within a crowd, lead others, set their status, and read objects
 * nearby.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, PHONE, post, Server } from "./plaza.mjs";
import { arrive, bring, goTo, makeSpace } from "./talking.mjs";

let server;
let browser;
let ada;
let bo;
let cleo;

const WINDOW = { viewport: { width: 900, height: 560 } };

/** Opens a person's card, does something there, and returns to the world. */
async function card(person, name, label) {
  const { page } = person;
  await page.getByRole("button", { name: /^People/ }).click();
  await page.getByLabel("Find somebody").fill(name);
  await page.getByRole("button", { name, exact: true }).click();
  await page.getByRole("dialog", { name }).getByRole("button", { name: label }).click();
  const panel = page.getByRole("button", { name: "Close people" });
  if (await panel.isVisible()) await panel.click();
}

/** Everyone hears the others at full volume, except those named. */
const hears = (person, names) =>
  person.until((names) => {
    const { peers, walkers } = globalThis.__plaza();
    const loud = peers.filter(({ why, hear }) => hear && why === 3);
    const heard = loud.map(
      ({ player }) => walkers.find((other) => other.player === player)?.name ?? "",
    );
    return heard.sort().join() === names;
  }, [...names].sort().join());

before(async () => {
  server = await Server.start({ more: ["--open-admin-signup"] });
  browser = await openBrowser();
  ada = await arrive(browser, server, undefined, "Ada", WINDOW);
  const link = await makeSpace(ada, "Bubbles", /Office/);
  bo = await arrive(browser, server, link, "Bo", WINDOW);
  cleo = await bring(browser, server, link, "Cleo", { ...PHONE, deviceScaleFactor: 1 });
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const nearby = (person, count) =>
  person.until(
    (count) => globalThis.__plaza().peers.filter(({ hear }) => hear).length === count,
    count,
  );

test("two talk in a bubble, and the third knocks from a phone", async () => {
  await card(bo, "Ada", "Walk to Ada");
  for (const person of [ada, bo, cleo]) await nearby(person, 2);
  await bo.until(() => {
    const { body, walkers, walking } = globalThis.__plaza();
    const ada = walkers.find(({ name }) => name === "Ada");
    return !walking && Math.hypot(body.x - ada.x, body.y - ada.y) < 128;
  });
  // Cleo is far enough away not to be moved along.
  await cleo.hold(["ArrowDown"], () => {
    const { body, walkers } = globalThis.__plaza();
    const others = walkers.filter(({ name }) => name !== "Cleo");
    const last = globalThis.__stood;
    globalThis.__stood = body.y;
    return last === body.y || others.every(({ x, y }) => Math.hypot(body.x - x, body.y - y) > 150);
  });
  await cleo.hold(["ArrowRight"], () => {
    const { body, walkers } = globalThis.__plaza();
    const others = walkers.filter(({ name }) => name !== "Cleo");
    return others.every(({ x, y }) => Math.hypot(body.x - x, body.y - y) > 150);
  });
  await ada.page.locator(".world").focus();
  await ada.page.keyboard.press("b");
  await bo.page.getByText("Ada wants to talk in a bubble with you.").waitFor();
  await bo.shot("bubble-asked");
  assert.equal(
    await ada.page.getByRole("button", { name: "Lock this bubble" }).count(),
    0,
    "nothing until Bo agrees",
  );
  await bo.page.getByRole("button", { name: "Agree (Y)" }).click();
  await hears(ada, ["Bo"]);
  await hears(bo, ["Ada"]);
  await nearby(cleo, 0);
  await bo.page.getByText("You are in a bubble with Ada.").waitFor();
  await ada.page.getByRole("button", { name: "Lock this bubble" }).click();
  await ada.page.getByRole("button", { name: "Unlock this bubble" }).waitFor();
  await ada.shot("bubble");

  await card(cleo, "Ada", "Walk to Ada");
  await cleo.page.getByRole("button", { name: "Knock at the bubble" }).tap();
  await bo.page.getByText("Cleo knocks.").waitFor();
  await cleo.shot("bubble-knock-phone");
  await bo.page.getByRole("button", { name: "Let in" }).click();
  await hears(cleo, ["Ada", "Bo"]);
  await cleo.page
    .getByRole("button", { name: "Lock this bubble" })
    .or(cleo.page.getByRole("button", { name: "Unlock this bubble" }))
    .waitFor();
  await cleo.shot("bubble-phone");
  await cleo.page.getByRole("button", { name: "Leave it (B)" }).tap();
  await hears(ada, ["Bo"]);
  await bo.page.getByRole("button", { name: "Leave it (B)" }).click();
  await ada.page.getByText("You are no longer in the bubble").waitFor();
  for (const person of [ada, bo, cleo]) await nearby(person, 2);
});

test("aside, the others are heard softly", async () => {
  await card(cleo, "Ada", "Walk to Ada");
  await ada.page.getByRole("button", { name: /^Who can hear me/ }).click();
  await ada.page.getByRole("button", { name: "Talk aside" }).click();
  for (const person of [bo, cleo])
    await person.page.getByRole("button", { name: "Agree (Y)" }).click();
  await ada.page.getByRole("button", { name: "Lock this aside" }).waitFor();
  await bo.page.getByRole("button", { name: "Leave it (B)" }).click();
  await bo.until(
    () =>
      globalThis.__plaza().peers.filter(({ gain, why }) => gain === 38 && why === 0).length === 2,
  );
  await ada.shot("aside");
  await ada.page.getByRole("button", { name: "Leave it (B)" }).click();
  await bo.until(() => globalThis.__plaza().peers.every(({ gain }) => gain === 255));
});

test("nearby people are asked to come along, and those who agree follow", async () => {
  await ada.page.getByRole("button", { name: "Ask all to come along" }).click();
  await cleo.page.getByText("Ada asks you to come along.").waitFor();
  await cleo.shot("come-along-phone");
  await bo.page.getByRole("button", { name: "Follow", exact: true }).click();
  await ada.page.getByText("Bo is walking up to you.").waitFor();
  await bo.page.getByText("Following Ada").waitFor();
  await ada.page.getByText("Bo follows you.").waitFor();
  await bo.shot("following");
  await cleo.page.getByRole("button", { name: "Not now" }).tap();
  await ada.page.getByRole("button", { name: "Close the list" }).click();
  await bo.page.getByRole("button", { name: "Stop (Esc)" }).click();
  await ada.page.getByText("Bo follows you.").waitFor({ state: "detached" });
});

test("a person who set Quiet is marked, and connected only to people next to them", async () => {
  for (const [person, status] of [
    [bo, "Quiet: only right beside me"],
    [cleo, "Do not disturb"],
  ])
    await person.page.getByLabel("Your status").selectOption(status);
  await nearby(cleo, 0);
  await ada.page.getByRole("button", { name: /^People/ }).click();
  await ada.page.getByRole("img", { name: "Quiet: only right beside me" }).waitFor();
  await ada.page.getByRole("button", { name: "Close people" }).click();
  await ada.shot("status-marks");
});

test("an object next to the reception opens a page", async () => {
  await goTo(ada, 34, 25);
  await ada.page
    .frameLocator("iframe")
    .getByRole("heading", { name: "How to get around" })
    .waitFor();
  await ada.shot("page");
});

test("a follower goes through a portal to another space, and follows there", async () => {
  const account = { username: "Root", password: "correct horse", type: "admin" };
  await post(server, "signup", account);
  const { token } = await post(server, "signin", account);
  const make = async (name, ...zones) => {
    const spawn = { kind: "spawn", name: "Door", x: 2, y: 2, width: 2, height: 4 };
    const map = { name, dimensions: "20x8", zones: [spawn, ...zones] };
    const { id } = await post(server, "admin/map", map, token);
    return (await post(server, "space", { name, mapId: id }, token)).spaceId;
  };
  const garden = await make("Garden");
  const target = { space: garden, zone: "Door" };
  const gate = { kind: "portal", name: "Gate", x: 9, y: 0, width: 1, height: 8, target };
  const yard = await make("Yard", gate);
  for (const person of [ada, bo]) {
    await person.page.goto(`/s/${yard}?debug`);
    await person.arrive();
  }
  await card(bo, "Ada", "Follow");
  await ada.page.getByText("Bo follows you.").waitFor();
  await ada.hold(["ArrowRight"], (yard) => !location.pathname.endsWith(yard), yard);
  for (const person of [ada, bo]) await person.page.waitForURL(new RegExp(`/s/${garden}`));
  await bo.page.getByText("Following Ada").waitFor();
  await ada.page.getByText("Bo follows you.").waitFor();
});

test("no page complained", () => {
  assert.deepEqual([...ada.complaints, ...bo.complaints, ...cleo.complaints], []);
});
