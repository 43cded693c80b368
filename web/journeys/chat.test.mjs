/**
 * Chat: two people in two browsers send, edit, delete and answer messages, react to them, page back
 * and search.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, Person, PHONE, Server } from "./plaza.mjs";
import { openSettings } from "./talking.mjs";

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAGUlEQVR42mM4neX9nxLMMGrAqAGjBgwXAwAJnn8fDNbIcAAAAABJRU5ErkJggg==";

let server;
let browser;
let ada;
let bob;
let link;

before(async () => {
  server = await Server.start();
  browser = await openBrowser();
  ada = await Person.sit(browser, server);
  await ada.page.goto("/");
  await ada.signUp("Ada");
  await ada.choose("Nora");
  await ada.page.getByRole("button", { name: "New space" }).click();
  await ada.page.getByLabel("Name", { exact: true }).fill("Minutes");
  await ada.page.getByLabel("Keep the chat").check();
  await ada.page.getByRole("button", { name: "Create and enter" }).click();
  await ada.page.waitForURL(/\/s\//);
  link = new URL(ada.page.url()).pathname;
  await ada.page.goto(`${link}?debug`);
  await ada.arrive();
  bob = await Person.sit(browser, server, {
    viewport: { width: 1440, height: 900 },
    colorScheme: "dark",
  });
  await bob.page.goto(link);
  await bob.signUp("Bob");
  await bob.choose("Theo");
  await bob.page.waitForURL(/\/s\//);
  await bob.page.goto(`${link}?debug`);
  await bob.arrive();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

const log = (person) => person.page.getByRole("log");
const lineOf = (person, text) => log(person).locator(".message", { hasText: text });

/** Opens the menu of a message. */
async function actions(person, text) {
  await lineOf(person, text)
    .getByRole("button", { name: /^Message of/ })
    .click();
}

test("a message is sent, seen, edited, answered, reacted to and deleted", async () => {
  await ada.say("**Hello** _everybody_, see https://example.org/a_b and `code`");
  await log(bob).locator("strong", { hasText: "Hello" }).waitFor();
  const anchor = log(bob).getByRole("link", { name: "https://example.org/a_b" });
  assert.match(await anchor.getAttribute("rel"), /noopener/);
  await bob.say("nothing is <b>bold</b> here");
  await log(ada).getByText("nothing is <b>bold</b> here").waitFor();

  await actions(bob, "nothing is");
  await bob.page.getByRole("button", { name: "Edit", exact: true }).click();
  await bob.page.getByLabel("Message to everybody here").fill("almost nothing");
  await bob.page.keyboard.press("Enter");
  await lineOf(ada, "almost nothing").getByText("edited").waitFor();

  await actions(ada, "almost nothing");
  await ada.page.getByRole("button", { name: "React with 🎉" }).click();
  await lineOf(bob, "almost nothing").getByRole("button", { name: "🎉 1 from Ada" }).click();
  await lineOf(ada, "almost nothing").getByRole("button", { name: "🎉 2 from Ada, Bob" }).waitFor();

  await actions(bob, "Hello everybody");
  await bob.page.getByRole("button", { name: "Reply", exact: true }).click();
  await bob.page.getByLabel("Message to everybody here").fill("Hello back");
  await bob.page.keyboard.press("Enter");
  await lineOf(ada, "Hello back").locator(".quote", { hasText: "Ada Hello everybody" }).waitFor();

  // The owner deletes a guest's message.
  await bob.say("spam spam spam");
  await log(ada).getByText("spam spam spam").waitFor();
  await actions(ada, "spam");
  await ada.page.getByRole("button", { name: "Delete", exact: true }).click();
  await log(bob).getByText("This message was deleted.").waitFor();
  await ada.shot("chat-lines");
  await bob.shot("chat-lines-dark");
});

test("typing is shown, a name is completed, and a mentioned person is notified", async () => {
  const field = bob.page.getByLabel("Message to everybody here");
  await field.click();
  await bob.page.keyboard.type("look here @a");
  await ada.page.getByText("Bob is typing…").waitFor();
  await bob.page.getByRole("option", { name: "@Ada" }).waitFor();
  await bob.shot("chat-complete-dark");
  await bob.page.keyboard.press("Enter");
  await bob.page.keyboard.press("Enter");
  await lineOf(ada, "look here").locator(".mention.me", { hasText: "@Ada" }).waitFor();
  await ada.page.getByText("Bob is typing…").waitFor({ state: "detached" });
});

/** Pastes into a field what a spreadsheet or a screenshot tool puts on the clipboard. */
function paste(field, text) {
  return field.evaluate(async (area, text) => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 400, height: 200 });
    const context = canvas.getContext("2d");
    context.fillStyle = "#2a9d8f";
    context.fillRect(0, 0, 400, 200);
    const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
    const clipboardData = new DataTransfer();
    if (text) clipboardData.setData("text/plain", text);
    clipboardData.items.add(new File([picture], "shot.png", { type: "image/png" }));
    const event = new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true });
    if (area.dispatchEvent(event))
      document.execCommand("insertText", false, clipboardData.getData("text/plain"));
  }, text);
}

test("cells are pasted as text, and a picture waits until it is sent or removed", async () => {
  const field = ada.page.getByLabel("Message to everybody here");
  const waiting = ada.page.getByRole("list", { name: "Pictures of this message" }).getByRole("img");
  await field.click();
  await paste(field, "Mon\t3\nTue\t5");
  assert.equal(await field.inputValue(), "Mon\t3\nTue\t5");
  assert.equal(await waiting.count(), 0);
  await field.fill("");
  await paste(field, "");
  await paste(field, "");
  await waiting.nth(1).waitFor();
  await ada.page.getByRole("button", { name: "Take back shot.png" }).first().click();
  await waiting.nth(1).waitFor({ state: "detached" });
  await ada.page.keyboard.press("Backspace");
  await waiting.waitFor({ state: "detached" });
  assert.equal(await log(bob).locator(".picture").count(), 0, "nothing was sent by pasting");
  await paste(field, "");
  await ada.page.keyboard.type("this is it");
  await ada.shot("chat-picture-waits");
  await ada.page.keyboard.press("Enter");
  const line = log(bob).locator(".message", { hasText: "this is it" });
  await line.locator(".picture img").waitFor();
  await waiting.waitFor({ state: "detached" });
});

test("a picture is sent, and an announcement is on top of everything", async () => {
  await ada.page.getByLabel("Pictures for the chat").setInputFiles({
    name: "square.png",
    mimeType: "image/png",
    buffer: Buffer.from(PIXEL, "base64"),
  });
  await ada.page.getByRole("img", { name: "square.png, 1 KB" }).waitFor();
  await ada.page.getByRole("button", { name: "Send" }).click();
  const picture = log(bob).locator(".picture img");
  await picture.nth(1).waitFor();
  await bob.until(() =>
    [...document.querySelectorAll(".message .picture img")].every((img) => img.naturalWidth > 0),
  );
  await ada.page.getByRole("button", { name: "Announce to everybody" }).click();
  await ada.page.getByLabel("Message to everybody here").fill("We begin in five minutes.");
  await ada.page.keyboard.press("Enter");
  await bob.page.locator(".announcement", { hasText: "Ada announces" }).waitFor();
  await bob.shot("chat-announced-dark");
  await bob.page.getByRole("button", { name: "Put the announcement away" }).click();
  assert.equal(await bob.page.getByRole("button", { name: "Announce to everybody" }).count(), 0);
});

test("a person sees how much of their share their pictures take, and frees one", async () => {
  // At another page: Ada stays in the space.
  const page = await ada.context.newPage();
  const desk = Object.assign(new Person(), { ...ada, page });
  await page.goto("/avatar");
  await page.getByText("My pictures on this server").click();
  const pictures = page.getByRole("list", { name: "My pictures" }).getByRole("listitem");
  await pictures.nth(1).waitFor();
  assert.equal(await pictures.count(), 2);
  await page.getByText(/^They take [1-9][0-9]* KB of 64\.0 MB\./).waitFor();
  const share = page.getByRole("progressbar", { name: "Used of your share" });
  const used = () => share.evaluate(({ value }) => value);
  const before = await used();
  await desk.shot("my-pictures");
  const newest = pictures.first();
  const { pathname } = new URL(await newest.getByRole("img").evaluate(({ src }) => src));
  const status = async () => (await fetch(server.address + pathname)).status;
  assert.equal(await status(), 200);
  await newest.getByRole("button", { name: /^Delete the picture of/ }).click();
  await pictures.nth(1).waitFor({ state: "detached" });
  assert.ok((await used()) < before, "there is room again");
  assert.equal(await status(), 404, "nobody is shown it any more");
  await page.close();
});

test("unread messages are counted and marked", async () => {
  await bob.page.getByRole("button", { name: "Close chat" }).click();
  await ada.say("while you were away");
  await bob.page.getByRole("button", { name: "Chat, 1 unread" }).click();
  await log(bob).getByText("New since you were away").waitFor();
  await bob.shot("chat-new-dark");
});

test("a direct message is written from a card and waits for its recipient", async () => {
  await ada.page.getByRole("button", { name: /^People/ }).click();
  await ada.page.getByRole("button", { name: "Bob", exact: true }).click();
  await ada.page.getByRole("button", { name: "Message", exact: true }).click();
  await ada.page.getByLabel("Message to Bob").fill("Just between **us**");
  await ada.page.keyboard.press("Enter");
  await ada.page
    .locator(".direct-message.mine:not(.waiting)", { hasText: "Just between us" })
    .waitFor();
  await bob.page.getByRole("tab", { name: "Direct 1 unread" }).click();
  await bob.page.getByRole("button", { name: "Ada 1 unread" }).click();
  await bob.page.locator(".direct-message strong", { hasText: "us" }).waitFor();
  await bob.page.getByLabel("Message to Ada").fill("Only us two");
  await bob.page.keyboard.press("Enter");
  await ada.page.locator(".direct-message", { hasText: "Only us two" }).waitFor();
  await bob.shot("chat-direct-dark");
  await bob.page.getByRole("button", { name: "All conversations" }).click();
  await bob.page
    .getByRole("list", { name: "Conversations" })
    .getByRole("button", { name: /^Ada/ })
    .waitFor();
  await bob.shot("chat-conversations-dark");
  await bob.page.getByRole("tab", { name: "Space" }).click();
  await ada.page.getByRole("tab", { name: "Space" }).click();
  // A direct message to a person who is offline waits for them.
  await bob.page.goto("/");
  await bob.page.getByRole("heading", { name: "Where to?" }).waitFor();
  await ada.page.getByRole("tab", { name: "Direct" }).click();
  await ada.page.getByLabel("Message to Bob").fill("See you tomorrow");
  await ada.page.keyboard.press("Enter");
  await ada.page
    .locator(".direct-message.mine:not(.waiting)", { hasText: "See you tomorrow" })
    .waitFor();
  await ada.page.getByRole("tab", { name: "Space" }).click();
  await bob.page.goto(`${link}?debug`);
  await bob.arrive();
  await bob.page.getByRole("tab", { name: "Direct 1 unread" }).waitFor();
});

test("old messages are paged back to and found after a crash", async () => {
  const path = link.split("/").pop();
  for (let number = 0; number < 46; number++) {
    // The limit is ten messages in ten seconds; the page's clock waits for it.
    await ada.page.getByLabel("Message to everybody here").fill(`item ${number}`);
    await ada.page.keyboard.press("Enter");
  }
  await log(bob).getByText("item 45", { exact: true }).waitFor();
  // Waits for the newest messages, not for a search result: repeated searches would use up the
  // search budget.
  await ada.page.waitForFunction(
    async ([url, text]) => {
      const authorization = `Bearer ${localStorage.getItem("plaza.token")}`;
      const { lines } = await (await fetch(url, { headers: { authorization } })).json();
      return lines?.some((line) => line.text === text);
    },
    [`${server.address}/api/v1/space/${path}/chat`, "item 45"],
    { polling: 250 },
  );
  // Every process is killed and starts again; the stored messages are there.
  await server.kill();
  await server.restart();
  await ada.until(() => globalThis.__plaza().status === "open");
  await bob.page.reload();
  await bob.arrive();
  await log(bob).getByText("item 45", { exact: true }).waitFor();
  assert.equal(await log(bob).getByText("Hello everybody").count(), 0);
  // A click would scroll to it first, which loads older messages by itself.
  await log(bob).getByRole("button", { name: "Earlier messages" }).dispatchEvent("click");
  await log(bob).getByText("Hello back").waitFor();
  await bob.page.getByRole("button", { name: "Search what was said" }).click();
  await bob.page.getByRole("searchbox", { name: "Search what was said" }).fill("back");
  await bob.page.keyboard.press("Enter");
  await bob.page.getByLabel("Found").getByText("Hello back").waitFor();
  await bob.shot("chat-found-dark");
  await bob.page.getByRole("button", { name: "Search what was said" }).click();
});

test("the owner sets slow mode, exports the chat and deletes everything", async () => {
  await openSettings(ada, "Chat");
  await ada.shot("space-settings");
  await ada.page.getByLabel("Slow mode").selectOption({ label: "One message in 15 minutes" });
  await bob.page.getByText("Slow mode is on: everyone can write once in 15 minutes.").waitFor();
  await bob.say("one");
  await log(bob).locator(".message:not(.waiting)").getByText("one", { exact: true }).waitFor();
  await bob.say("and another");
  await lineOf(bob, "and another")
    .getByText(/You can write again in/)
    .waitFor();
  const [file] = await Promise.all([
    ada.page.waitForEvent("download"),
    ada.page.getByRole("button", { name: "Download as text" }).click(),
  ]);
  assert.equal(file.suggestedFilename(), "chat.txt");
  await ada.page.getByRole("button", { name: "Delete everything that was said" }).click();
  await ada.page.getByRole("button", { name: "Yes, delete everything" }).click();
  await bob.page.getByText("Ada deleted everything that was said here.").waitFor();
  assert.equal(await log(bob).getByText("item 45", { exact: true }).count(), 0);
  assert.deepEqual([...ada.complaints, ...bob.complaints], []);
});

test("on a phone the chat fits the screen", async () => {
  const person = await Person.sit(browser, server, PHONE);
  const { page } = person;
  await page.goto(link);
  await person.signUp("Pia");
  await person.choose("Maya");
  await page.waitForURL(/\/s\//);
  await person.arrive();
  await ada.say(
    "A longer line for small screens, with a wordthatisverylongandhasnowheretobreakatallinthemiddle and `code`",
  );
  await page.getByRole("button", { name: /^Chat/ }).click();
  await actions(person, "A longer line");
  await page.getByRole("button", { name: "React with 👍" }).waitFor();
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  await person.shot("phone-chat-actions");
  await person.context.close();
});
