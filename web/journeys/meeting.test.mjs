/**
 * Meeting: people who come near see each other's faces, are told who hears them, and wave and
 * answer with one key.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, DEVICES, openBrowser, PHONE, Server } from "./plaza.mjs";
import { agree, arrive, bring, makeSpace } from "./talking.mjs";

let server;
let browser;
let ada;
let bo;
let nora;

before(async () => {
  server = await Server.start();
  browser = await openBrowser(DEVICES);
  ada = await arrive(browser, server, undefined, "Ada", DESKTOP, "Leila");
  const link = await makeSpace(ada, "Meeting", /Park/);
  bo = await arrive(browser, server, link, "Bo", { viewport: { width: 1000, height: 640 } });
  nora = await bring(browser, server, link, "Nora", PHONE);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("people near have faces, and one is told who hears", async () => {
  const near = ada.page.getByRole("region", { name: "Near you" });
  for (const name of ["Bo", "Nora"])
    await near.getByRole("button", { name: `${name}, microphone off` }).waitFor();
  // The words are shown for a while after the last one came; they come again with a change.
  await ada.until(() => globalThis.__plaza().peers.filter(({ heard }) => heard).length === 2);
  await ada.shot("near");
  await nora.shot("near-phone");
});

test("a wave is answered with the same key", async () => {
  const press = async ({ page }) => {
    await page.locator(".world").focus();
    await page.keyboard.press("g");
  };
  const overHead = await ada.watchFor(".emote", "👋");
  await bo.page.getByRole("button", { name: /^People/ }).click();
  await bo.page.locator(".person", { hasText: "Ada" }).click();
  await bo.page.getByRole("dialog", { name: "Ada" }).getByRole("button", { name: "Wave" }).click();
  await ada.page.getByText("Bo waves at you.").waitFor();
  await overHead();
  await ada.shot("wave");
  const answered = await bo.watchFor(".knock", "Ada waves at you.");
  await press(ada);
  await answered();
  await ada.page.getByText("Bo waves at you.").waitFor({ state: "detached" });
});

test("a microphone that is on shows on the tile, and a camera in place of the face", async () => {
  const near = ada.page.getByRole("region", { name: "Near you" });
  await agree(bo, "microphone");
  await near.getByRole("button", { name: /^Bo, microphone on/ }).waitFor();
  await near.getByRole("button", { name: "Bo, microphone on, speaking" }).waitFor();
  await ada.shot("near-speaking");
  await bo.page.getByRole("button", { name: "Camera off (V)" }).click();
  await ada.page.locator(".tile.camera").waitFor();
  assert.equal(await near.getByRole("button", { name: /^Bo,/ }).count(), 0);
  await ada.page.evaluate(() => {
    document.documentElement.dataset.theme = "dark";
  });
  await ada.shot("near-camera-dark");
  await nora.shot("near-camera-phone");
});

test("a speaker has one face for a turn, and each conversation its own draft", async () => {
  const { page } = bo;
  await page.locator(".world").focus();
  for (const text of ["Good morning!", "Coffee?"]) await bo.say(text);
  await ada.say("Gladly.");
  const messages = ada.page.locator(".message", { hasNotText: "sending" });
  await messages.nth(2).waitFor();
  const faces = await messages.evaluateAll((all) => all.map((one) => !!one.querySelector(".face")));
  assert.deepEqual(faces, [true, false, true]);
  await ada.page.getByText("Today").waitFor();
  const field = ada.page.getByLabel("Message to everybody here");
  await field.fill("I will be there in");
  await ada.page.getByRole("tab", { name: "Direct" }).click();
  await ada.page.getByText("No direct messages yet").waitFor();
  await ada.shot("direct-empty");
  await ada.page.locator(".nothing-yet .person", { hasText: "Bo" }).click();
  await ada.page.getByLabel("Message to Bo").fill("Only for you");
  await ada.page.getByRole("tab", { name: "Space" }).click();
  assert.equal(await field.inputValue(), "I will be there in");
  await ada.shot("chat-groups");
  await ada.page.getByRole("tab", { name: "Direct" }).click();
  assert.equal(await ada.page.getByLabel("Message to Bo").inputValue(), "Only for you");
});

test("in the lobby one sees that a message came, reads it and answers", async () => {
  const { page } = bo;
  await page.goto("/");
  await page.getByRole("heading", { name: "Where to?" }).waitFor();
  await ada.page.getByLabel("Message to Bo").press("Enter");
  await ada.page.locator(".direct-message:not(.waiting)", { hasText: "Only for you" }).waitFor();
  await page.reload();
  await page.getByRole("button", { name: "Messages, 1 unread" }).click();
  const dialog = page.getByRole("dialog", { name: "Messages" });
  await bo.shot("lobby-messages");
  await dialog.getByRole("button", { name: /Ada/ }).click();
  await dialog.getByText("Only for you").waitFor();
  await dialog.getByLabel("Message to Ada").fill("Got it.");
  await page.keyboard.press("Enter");
  await ada.page.getByText("Got it.").waitFor();
  await bo.shot("lobby-conversation");
});

test("no page complained", () => {
  assert.deepEqual([...ada.complaints, ...bo.complaints, ...nora.complaints], []);
});
