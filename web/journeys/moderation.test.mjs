/**
 * Moderation: people ask to join and are let in; they are muted, kicked and banned, as both sides
 * see it.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, openBrowser, Person, PHONE, post, Server } from "./plaza.mjs";
import { arrive, bring, makeSpace, openSettings, walkUp } from "./talking.mjs";

let server;
let browser;
let ada;
let bo;
let link;

before(async () => {
  server = await Server.start();
  browser = await openBrowser();
  ada = await arrive(browser, server, undefined, "Ada", DESKTOP);
  link = await makeSpace(ada, "Club", /Office/);
  bo = await signedIn("Bo", PHONE);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** A person who signed up earlier, in another browser. */
async function signedIn(name, options) {
  const person = await Person.sit(browser, server, options);
  const account = { username: name, password: "correct horse", type: "user" };
  await post(server, "signup", account);
  const { token } = await post(server, "signin", account);
  await person.context.addInitScript((token) => localStorage.setItem("plaza.token", token), token);
  return person;
}

/** Whether the page's person and the one of that name hear each other. */
function near(name) {
  const { walkers, peers } = globalThis.__plaza();
  const other = walkers.find((walker) => walker.name === name);
  return peers.some(({ player, hear, heard }) => player === other?.player && hear && heard);
}

/** Opens the card of Bo. */
async function card() {
  const { page } = ada;
  const dialog = page.getByRole("dialog", { name: "Bo", exact: true });
  if (await dialog.isVisible()) return dialog;
  const people = page.getByRole("region", { name: "People" });
  if (!(await people.isVisible()))
    await page.getByRole("button", { name: "People, 2 here" }).click();
  await people.getByRole("button", { name: "Bo", exact: true }).click();
  await dialog.waitFor();
  return dialog;
}

test("a person asks to join a space for members, and is let in", async () => {
  const settings = await openSettings(ada, "Access");
  await settings.getByRole("radio", { name: /^Members/ }).check();
  await settings.getByRole("button", { name: "Save" }).click();
  await settings.getByText("Saved.").waitFor();
  await ada.page.keyboard.press("Escape");
  await bo.page.goto(`${link}?debug`);
  const door = bo.page.getByRole("alertdialog", { name: "Only members come in here" });
  // By keyboard: the field has the focus.
  await bo.page.waitForFunction(() => document.activeElement?.id === "join-text");
  await bo.page.keyboard.type("I am from the other team.");
  await bo.shot("phone-ask-to-join");
  await bo.page.keyboard.press("Enter");
  await door.getByText(/^Asked\./).waitFor();
  const bar = ada.page.getByRole("alert").filter({ hasText: "Bo asks to join" });
  await bar.getByText("I am from the other team.").waitFor();
  await ada.shot("join-request");
  const told = await ada.watchFor("[role=status]", "Bo may come in.");
  await bar.getByRole("button", { name: "Let in: Bo" }).click();
  await told();
  await bo.arrive();
});

test("a person who is muted is told until when, and their microphone says so", async () => {
  const dialog = await card();
  await ada.shot("card-of-moderator");
  await dialog.getByRole("button", { name: "Mute" }).click();
  const mute = ada.page.getByRole("dialog", { name: "Mute Bo" });
  await mute.getByLabel("For", { exact: true }).selectOption({ label: "1 hour" });
  await ada.shot("mute");
  await mute.getByRole("button", { name: "Mute Bo" }).click();
  await mute.waitFor({ state: "detached" });
  const told = bo.page.getByRole("alert").filter({ hasText: "A moderator muted you" });
  await told.waitFor();
  await bo.page.getByRole("button", { name: "Microphone muted by a moderator (M)" }).waitFor();
  await bo.shot("phone-muted");
  await bo.page.getByRole("button", { name: "Chat", exact: true }).click();
  await bo.page.getByLabel("Message to everybody here").fill("Can you read me?");
  await bo.page.getByRole("button", { name: "Send" }).click();
  await bo.page
    .getByRole("log")
    .getByText(/muted you here until/)
    .waitFor();
  await bo.page.getByRole("button", { name: "Close chat" }).click();
  // Lifted, it is over.
  const settings = await openSettings(ada, "Moderation");
  await settings.getByText("Bo: muted in the chat").waitFor();
  await ada.shot("settings-moderation");
  await settings.getByRole("button", { name: "Lift: Bo, muted in the chat" }).click();
  await settings.getByText("No one. A click on a person").waitFor();
  await ada.page.keyboard.press("Escape");
  await told.waitFor({ state: "detached" });
});

test("a message to those nearby is reported, seen by the moderator and answered", async () => {
  const access = await openSettings(ada, "Access");
  await access.getByRole("radio", { name: /^Public/ }).check();
  await access.getByRole("button", { name: "Save" }).click();
  await access.getByText("Saved.").waitFor();
  await ada.page.keyboard.press("Escape");
  const eve = await bring(browser, server, link, "Eve", DESKTOP);
  await walkUp(eve, "Bo");
  await eve.until(near, "Bo");
  await eve.page.getByRole("button", { name: /^Chat/ }).click();
  await eve.page.getByRole("tab", { name: /^Nearby/ }).click();
  const say = eve.page.getByLabel("Message to those near you");
  await say.fill("You all dance badly");
  await say.press("Enter");
  await bo.page.getByRole("button", { name: /^Chat/ }).click();
  await bo.page.getByRole("tab", { name: /^Nearby/ }).click();
  const item = bo.page.getByRole("listitem").filter({ hasText: "You all dance badly" });
  await item.getByRole("button", { name: "Message of Eve" }).click();
  await item.getByRole("button", { name: "Report…" }).click();
  const dialog = bo.page.getByRole("dialog", { name: "Report Eve" });
  assert.equal(
    await dialog.getByRole("checkbox", { name: /You all dance badly/ }).isChecked(),
    true,
  );
  await bo.shot("phone-report");
  await dialog.getByLabel("What is it about?").selectOption({ index: 0 });
  await dialog.getByLabel(/^What happened/).fill("She follows me around.");
  await dialog.getByRole("button", { name: "Report Eve" }).click();
  await dialog.getByText("Thank you. The report is sent.").waitFor();
  await bo.shot("phone-report-sent");
  await dialog.getByRole("button", { name: "Close", exact: true }).click();
  await bo.page.getByRole("button", { name: "Close chat" }).click();
  // The moderator sees a mark, and the report with what was said.
  await ada.page.getByRole("button", { name: "Space settings, 1 open reports" }).waitFor();
  await ada.shot("report-mark");
  const settings = await openSettings(ada, /^Reports$/);
  const report = settings.getByRole("article", { name: "Report about Eve" });
  for (const words of ["You all dance badly", "to those nearby", "She follows me around."])
    await report.getByText(words).waitFor();
  await report.getByText(/Eve was inside.*heard by.*Bo/).waitFor();
  await ada.shot("settings-reports");
  await report.getByLabel("Answer to Bo").fill("I spoke to her.");
  await report.getByRole("button", { name: "Done" }).click();
  await settings.getByText("The report about Eve is answered.").waitFor();
  await ada.page.keyboard.press("Escape");
  await ada.page.getByRole("button", { name: "Space settings", exact: true }).waitFor();
  // Its author is told, and finds the answer.
  await bo.page.getByText("Your report was answered.").waitFor();
  const own = await openSettings(bo, "Your reports");
  await own.getByText("I spoke to her.").waitFor();
  await bo.shot("phone-own-reports");
  await bo.page.keyboard.press("Escape");
  await eve.page.getByRole("button", { name: "Leave" }).click();
  await ada.page.getByRole("button", { name: "People, 2 here" }).waitFor();
  await eve.context.close();
});

test("a person who is kicked is told by which moderator and why, and may come back", async () => {
  const dialog = await card();
  await dialog.getByRole("button", { name: "Kick" }).click();
  const kick = ada.page.getByRole("dialog", { name: "Kick Bo" });
  await kick.getByLabel("Reason").fill("Shouting");
  await ada.shot("kick");
  await ada.page.keyboard.press("Enter");
  const door = bo.page.getByRole("alertdialog", { name: "You were sent out of this space" });
  await door.getByText(/Ada sent you out of this space until .*: Shouting/).waitFor();
  await door.getByText(/^Come back in \d minutes\.$/).waitFor();
  await bo.shot("phone-kicked");
  await ada.page.getByRole("button", { name: "People, 1 here" }).waitFor();
  const settings = await openSettings(ada, "Moderation");
  await settings.getByRole("button", { name: "Lift: Bo, kicked" }).click();
  await ada.page.keyboard.press("Escape");
  await door.getByRole("button", { name: "Come in" }).click();
  await bo.arrive();
});

test("a person who is banned stays out, and the log has it all", async () => {
  const dialog = await card();
  await dialog.getByRole("button", { name: "Ban" }).click();
  const ban = ada.page.getByRole("dialog", { name: "Ban Bo" });
  await ban.getByLabel("For", { exact: true }).selectOption({ label: "For good" });
  await ban.getByLabel("Reason").fill("Shouting again");
  await ban.getByRole("button", { name: "Ban Bo" }).click();
  const door = bo.page.getByRole("alertdialog", { name: "You are banned from this space" });
  await door.getByText("Ada banned you from this space: Shouting again").waitFor();
  await bo.shot("phone-banned");
  await bo.page.reload();
  await door.getByRole("link", { name: "To the lobby" }).waitFor();
  const settings = await openSettings(ada, "Log");
  for (const words of ["Ada kicked Bo", "Ada banned Bo", "Ada muted Bo"])
    await settings.getByText(words).first().waitFor();
  await ada.shot("settings-log");
  for (const { complaints } of [ada, bo]) assert.deepEqual(complaints, []);
});
