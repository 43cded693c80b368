/**
 * Access: people come in by a link without an account, by a password and by an invite, and the
 * owner says who may.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DESKTOP, openBrowser, Person, PHONE, post, Server } from "./plaza.mjs";
import { arrive, bring, makeSpace, openSettings } from "./talking.mjs";

let server;
let browser;
let ada;
let link;

before(async () => {
  server = await Server.start({ more: ["--guests-per-hour", "100"] });
  browser = await openBrowser();
  ada = await arrive(browser, server, undefined, "Ada", DESKTOP);
  link = await makeSpace(ada, "Harbour", /Office/);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/** What the owner's invite link is, below this server's address. */
async function invite(person, role, uses) {
  const dialog = await openSettings(person, "Invites");
  await dialog.getByLabel("Role of those who come by it").selectOption({ label: role });
  await dialog.getByLabel("Uses").selectOption({ label: uses });
  await dialog.getByLabel("Note").fill("For the team");
  await dialog.getByRole("button", { name: "Make a link" }).click();
  const made = await dialog.getByLabel("Link of the new invite").inputValue();
  await person.shot("settings-invites");
  await dialog.getByRole("button", { name: "Close the settings" }).click();
  return new URL(made).pathname;
}

test("a guest comes in by a link with a name, and walks", async () => {
  const guest = await Person.sit(browser, server, PHONE);
  const { page } = guest;
  await page.goto(`${link}?debug`);
  await page.getByRole("heading", { name: "Harbour" }).waitFor();
  await page.getByText("1 person is inside").waitFor();
  await page.getByRole("radio", { checked: true }).waitFor();
  await page.locator("canvas[data-drawn]").waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  await guest.shot("phone-join");
  await page.getByLabel("Your name").fill("Gus");
  await page.getByRole("button", { name: "Join" }).click();
  await guest.arrive();
  await page.getByText("Tap where you would like to go.").waitFor();
  await guest.shot("phone-hint-walk");
  const world = await page.locator(".world").boundingBox();
  await page.touchscreen.tap(world.x + world.width / 2, world.y + world.height / 2 + 90);
  await page.getByText("To talk, walk up to people").waitFor();
  await page.getByRole("button", { name: "Put this hint away" }).click();
  await ada.page.getByRole("button", { name: "People, 2 here" }).click();
  await ada.page.getByRole("button", { name: "Gus (guest)", exact: true }).waitFor();
  await ada.page.getByRole("button", { name: "People, 2 here" }).click();

  // The guest makes an account, and is the same person.
  await page.getByRole("button", { name: /^People/ }).click();
  await page.getByRole("button", { name: "Keep my name" }).click();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Gus");
  await page.getByLabel("Password").fill("correct horse");
  await guest.shot("phone-keep-name");
  await page.getByRole("button", { name: "Make an account" }).click();
  await page.getByText("You have an account now.").waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await page.reload();
  await guest.arrive();
  assert.equal(await page.locator(".hint").count(), 0, "hints do not come back");
  assert.deepEqual(guest.complaints, []);
  await guest.context.close();
});

test("an invite lets one person in with its role, and says when it is used up", async () => {
  const path = await invite(ada, "Member: comes in at any time", "One person");
  const guest = await Person.sit(browser, server, DESKTOP);
  const { page } = guest;
  await page.goto(path);
  await page.getByText("Ada invites you to").waitFor();
  await page.locator("canvas[data-drawn]").waitFor();
  await page.getByRole("radio", { checked: true }).waitFor();
  await guest.shot("join");
  // By keyboard alone: the name has the focus, and Enter joins.
  await page.waitForFunction(() => document.activeElement?.id === "guest-name");
  await page.keyboard.type("Iris");
  await page.keyboard.press("Enter");
  await guest.arrive();
  await guest.shot("hint-walk");
  const late = await Person.sit(browser, server, PHONE);
  await late.page.goto(path);
  await late.page.getByRole("alert").getByText("used up").waitFor();
  await late.shot("phone-invite-used-up");
  const dialog = await openSettings(ada, "People");
  await dialog.getByText("Iris (guest)").waitFor();
  await ada.shot("settings-people");
  await ada.page.keyboard.press("Escape");
  for (const { complaints, context } of [guest, late]) {
    assert.deepEqual(complaints, []);
    await context.close();
  }
});

test("a password, set by the owner, lets people in who know it", async () => {
  const bo = await bring(browser, server, link, "Bo", PHONE);
  const dialog = await openSettings(ada, "Access");
  await dialog.getByRole("radio", { name: /^Password/ }).check();
  await dialog.getByLabel("Password of the space").fill("open sesame");
  await ada.shot("settings-access");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Saved.").waitFor();
  await ada.page.keyboard.press("Escape");
  // Those who may not be inside any more are out, and see how to come back.
  const door = bo.page.getByRole("alertdialog", { name: "This space has a password" });
  await door.waitFor();
  await bo.shot("phone-password");
  await bo.page.waitForFunction(() => document.activeElement?.id === "space-password");
  await bo.page.keyboard.type("swordfish");
  await bo.page.keyboard.press("Enter");
  await door.getByRole("alert").getByText("This is not the password").waitFor();
  await door.getByLabel("Password of this space").fill("open sesame");
  await bo.page.keyboard.press("Enter");
  await door.waitFor({ state: "detached" });
  await bo.arrive();
  assert.deepEqual(bo.complaints, []);
  await bo.context.close();
});

/** Saves who may come in, and how many. */
async function allow(person, choice, capacity) {
  const dialog = await openSettings(person, "Access");
  await dialog.getByRole("radio", { name: choice }).check();
  await dialog.getByLabel("Most people at the same time").fill(capacity);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByText("Saved.").waitFor();
  return dialog;
}

test("a full space lets a person in as soon as there is room", async () => {
  await allow(ada, /^Public/, "2");
  await ada.page.keyboard.press("Escape");
  const bo = await bring(browser, server, link, "Cleo");
  const dan = await signedIn("Dan");
  await dan.page.goto(`${link}?debug`);
  const door = dan.page.getByRole("alertdialog", { name: "This space is full" });
  await door.getByText("Waiting for room").waitFor();
  await dan.shot("full");
  await bo.page.getByRole("button", { name: "Leave" }).click();
  // It is tried again by itself.
  await door.waitFor({ state: "detached" });
  await dan.arrive();
  await bo.context.close();

  // Before the event begins only moderators are inside.
  const dialog = await openSettings(ada, "Access");
  const tomorrow = new Date(Date.now() + 24 * 60 * 60_000).toISOString().slice(0, 16);
  await dialog.getByLabel("Opens").fill(tomorrow);
  await dialog.getByRole("button", { name: "Save" }).click();
  await dan.page.getByText(/^Come back on .*\.$/).waitFor();
  await dan.shot("closed");
  await dialog.getByLabel("Opens").fill("");
  await dialog.getByRole("button", { name: "Save" }).click();
  await ada.page.keyboard.press("Escape");
  await dan.page.reload();
  await dan.arrive();
  assert.deepEqual(dan.complaints, []);
  await dan.context.close();
});

/** A person who signed up earlier, in another browser. */
async function signedIn(name, options = DESKTOP) {
  const person = await Person.sit(browser, server, options);
  const account = { username: name, password: "correct horse", type: "user" };
  await post(server, "signup", account);
  const { token } = await post(server, "signin", account);
  await person.context.addInitScript((token) => localStorage.setItem("plaza.token", token), token);
  return person;
}

test("a person becomes a moderator while inside, from their card", async () => {
  await allow(ada, /^Public/, "");
  await ada.page.keyboard.press("Escape");
  const eve = await bring(browser, server, link, "Eve", PHONE);
  const { page } = ada;
  await page.getByRole("button", { name: "People, 2 here" }).click();
  await page.getByRole("button", { name: "Eve", exact: true }).click();
  const card = page.getByRole("dialog", { name: "Eve", exact: true });
  await card.getByText("Visitor", { exact: true }).waitFor();
  await card.getByRole("button", { name: "Change the role" }).click();
  const role = page.getByRole("dialog", { name: "Role of Eve" });
  await role.getByRole("radio", { name: /^Moderator/ }).check();
  await ada.shot("role");
  const told = await eve.watchFor("[role=status]", "You are a moderator of this space now.");
  await role.getByRole("button", { name: "Save" }).click();
  await told();
  await card.getByText("Moderator", { exact: true }).waitFor();
  await ada.shot("card-moderator");
  // Without joining again, the moderator has the settings of one.
  const settings = await openSettings(eve, "People");
  await settings.getByText("Eve").waitFor();
  assert.equal(await settings.getByRole("tab", { name: "Access" }).count(), 0);
  await eve.shot("phone-settings-people");
  await settings.getByRole("tab", { name: "Invites" }).click();
  await settings.getByRole("button", { name: "Make a link" }).waitFor();
  const wide = await eve.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  await eve.shot("phone-settings-invites");
  await eve.page.getByRole("button", { name: "Close the settings" }).click();
  // The owner is above a moderator: nothing is offered that would be refused.
  await eve.page.getByRole("button", { name: /^People/ }).click();
  await eve.page.getByRole("button", { name: "Ada", exact: true }).click();
  const owner = eve.page.getByRole("dialog", { name: "Ada", exact: true });
  await owner.getByText("Owner", { exact: true }).waitFor();
  assert.equal(await owner.getByRole("button", { name: "Kick" }).count(), 0);
  await eve.shot("phone-card");
  for (const { complaints, context } of [ada, eve]) {
    assert.deepEqual(complaints, []);
    await context.close();
  }
});
