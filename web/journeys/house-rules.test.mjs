/**
 * House rules: a space has a word filter and a text about appeals, says who may share a screen, and
 * is handed over; a banned guest takes their invite along.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, openBrowser, Person, PHONE, Server } from "./plaza.mjs";
import { arrive, bring, makeSpace, openSettings } from "./talking.mjs";

let server;
let browser;
let ada;
let bo;
let link;

before(async () => {
  server = await Server.start({ more: ["--guests-per-hour", "100"] });
  browser = await openBrowser();
  ada = await arrive(browser, server, undefined, "Ada", DESKTOP);
  link = await makeSpace(ada, "Club", /Office/);
  bo = await bring(browser, server, link, "Bo", PHONE);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const write = async ({ page }, words) => {
  await page.getByLabel("Message to everybody here").fill(words);
  await page.getByRole("button", { name: "Send" }).click();
};

/** Waits until Bo can change these words and send them. */
const isToBeSent = (words) =>
  bo.until(
    (words) =>
      [...document.querySelectorAll(".chat textarea")].some(({ value }) => value === words),
    words,
  );

test("a message with a filtered word is refused, edited and sent", async () => {
  const settings = await openSettings(ada, "Rules");
  await settings.getByLabel("Words that people are not to write").fill("Darn\nhot dog");
  await settings.getByRole("radio", { name: /^Refuse/ }).check();
  await settings.getByRole("button", { name: "Save", exact: true }).click();
  await settings.getByText("Saved. 2 words are filtered.").waitFor();
  await settings.getByLabel(/^What people are told/).fill("Write to help@example.org.");
  await settings.getByRole("button", { name: "Save what is said about appeals" }).click();
  await settings.getByText("Saved.", { exact: true }).waitFor();
  await ada.shot("settings-rules");
  await ada.page.keyboard.press("Escape");
  const { page } = bo;
  await page.getByRole("button", { name: "Chat", exact: true }).click();
  await write(bo, "Oh DARN it");
  const log = page.getByRole("log");
  await log.getByText("The word filter of this space does not allow “Darn”.").waitFor();
  await bo.shot("phone-filtered");
  await log.getByRole("button", { name: "Edit" }).click();
  await isToBeSent("Oh DARN it");
  await write(bo, "Oh dear");
  await log.getByText("Oh dear").waitFor();
  assert.equal(await log.getByText("DARN").count(), 0, "the first words are gone");
  // An edit that is refused keeps its words, too.
  await log.getByRole("button", { name: "Message of Bo" }).click();
  await log.getByRole("button", { name: "Edit" }).click();
  await write(bo, "Oh hot dog");
  await page.getByText("does not allow “hot dog”").waitFor();
  await isToBeSent("Oh hot dog");
  await page.getByRole("button", { name: "Stop editing" }).click();
});

test("other lists redact, or tell moderators", async () => {
  const settings = await openSettings(ada, "Rules");
  const save = async (action) => {
    await settings.getByRole("radio", { name: action }).check();
    await settings.getByRole("button", { name: "Save", exact: true }).click();
    await settings.getByText("Saved. 2 words are filtered.").waitFor();
  };
  const log = bo.page.getByRole("log");
  await save(/^Redact/);
  await write(bo, "a hot dog, please");
  await log.getByText("a •••••••, please").waitFor();
  await save(/^Report/);
  await write(bo, "darn");
  await log.getByText("darn").waitFor();
  await bo.shot("phone-redacted");
  await settings.getByRole("tab", { name: "Log" }).click();
  await settings.getByText("word filter noted words of Bo").waitFor();
  await ada.page.keyboard.press("Escape");
  await bo.page.getByRole("button", { name: "Close chat" }).click();
});

test("the owner says who may share a screen, and others see that they may not", async () => {
  const eve = await bring(browser, server, link, "Eve", DESKTOP);
  await eve.page.getByRole("button", { name: "Share a screen" }).waitFor();
  const settings = await openSettings(ada, "Access");
  await settings.getByLabel("Share a screen").selectOption({ label: "Members and above" });
  const button = eve.page.getByRole("button", { name: "Sharing a screen: not for your role" });
  await button.click();
  await eve.page.getByText("Your role in this space may not share a screen.").waitFor();
  await eve.shot("no-screen");
  await ada.page.keyboard.press("Escape");
  assert.deepEqual(eve.complaints, []);
  await eve.context.close();
});

test("what is said about appeals is told to those who are muted or banned", async () => {
  const card = async () => {
    const dialog = ada.page.getByRole("dialog", { name: "Bo", exact: true });
    if (await dialog.isVisible()) return dialog;
    const people = ada.page.getByRole("region", { name: "People" });
    if (!(await people.isVisible()))
      await ada.page.getByRole("button", { name: /^People, \d here$/ }).click();
    await people.getByRole("button", { name: "Bo", exact: true }).click();
    return dialog;
  };
  await (await card()).getByRole("button", { name: "Mute" }).click();
  const mute = ada.page.getByRole("dialog", { name: "Mute Bo" });
  await mute.getByRole("button", { name: "Mute Bo" }).click();
  const told = bo.page.getByRole("alert").filter({ hasText: "A moderator muted you" });
  await told.getByText("What you can do about it").click();
  await told.getByText("Write to help@example.org.").waitFor();
  await bo.shot("phone-muted-appeal");
  await (await card()).getByRole("button", { name: "Ban" }).click();
  const ban = ada.page.getByRole("dialog", { name: "Ban Bo" });
  await ban.getByRole("button", { name: "Ban Bo" }).click();
  const door = bo.page.getByRole("alertdialog", { name: "You are banned from this space" });
  await door.getByText("Write to help@example.org.").waitFor();
  await bo.shot("phone-banned-appeal");
  const settings = await openSettings(ada, "Moderation");
  await settings.getByRole("button", { name: /^Lift: Bo, banned/ }).click();
  await settings.getByText(/^Bo: banned/).waitFor({ state: "detached" });
  await ada.page.keyboard.press("Escape");
  await door.getByRole("button", { name: "Come in" }).click();
  await bo.arrive();
});

test("the invite of a guest is revoked with their ban", async () => {
  const invites = await openSettings(ada, "Invites");
  await invites.getByRole("button", { name: "Make a link" }).click();
  const made = await invites.getByLabel("Link of the new invite").inputValue();
  await ada.page.keyboard.press("Escape");
  const gus = await Person.sit(browser, server, DESKTOP);
  await gus.page.goto(new URL(made).pathname);
  await gus.page.getByLabel("Your name").fill("Gus");
  await gus.page.getByRole("button", { name: "Join" }).click();
  await gus.arrive();
  const people = ada.page.getByRole("region", { name: "People" });
  if (!(await people.isVisible()))
    await ada.page.getByRole("button", { name: /^People, \d here$/ }).click();
  await people.getByRole("button", { name: "Gus (guest)" }).click();
  const card = ada.page.getByRole("dialog", { name: "Gus (guest)", exact: true });
  await card.getByRole("button", { name: "Ban" }).click();
  const ban = ada.page.getByRole("dialog", { name: "Ban Gus (guest)" });
  await ban.getByRole("checkbox", { name: /^Revoke their invite/ }).check();
  await ada.shot("ban-guest");
  await ban.getByRole("button", { name: "Ban Gus (guest)" }).click();
  await gus.page.getByRole("alertdialog", { name: "You are banned from this space" }).waitFor();
  const late = await Person.sit(browser, server, PHONE);
  await late.page.goto(new URL(made).pathname);
  await late.page.getByRole("alert").getByText("was taken back").waitFor();
  for (const { complaints, context } of [gus, late]) {
    assert.deepEqual(complaints, []);
    await context.close();
  }
});

test("a space is offered, declined in the space, and accepted in the lobby", async () => {
  const offer = async () => {
    const settings = await openSettings(ada, "People");
    await settings.getByLabel("Who is to own it").fill("Bo");
    await settings.getByRole("button", { name: "Offer it to Bo" }).click();
    await settings.getByText(/^Offer this space to Bo\?/).waitFor();
    await ada.shot("settings-transfer");
    await settings.getByRole("button", { name: "Yes" }).click();
    await settings.getByText(/^Offered to Bo\./).waitFor();
    return settings;
  };
  const settings = await offer();
  const bar = bo.page.getByRole("alert").filter({ hasText: "Ada offers you the space Club." });
  await bar.waitFor();
  await bo.shot("phone-offer");
  await bar.getByRole("button", { name: "Decline: Club" }).click();
  await bar.waitFor({ state: "detached" });
  await ada.page.keyboard.press("Escape");
  await settings.waitFor({ state: "detached" });
  await offer();
  await ada.page.keyboard.press("Escape");
  await bo.page.goto("/");
  await bar.waitFor();
  await bo.shot("phone-offer-lobby");
  await bar.getByRole("button", { name: "Accept: Club" }).click();
  await bo.page.getByText("You own Club now.").first().waitFor();
  await ada.page.getByText("You are a moderator of this space now.").waitFor();
  for (const { complaints } of [ada, bo]) assert.deepEqual(complaints, []);
});
