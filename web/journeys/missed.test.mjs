/** Missed: messages sent in a space with stored chat while one person is disconnected. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { Line } from "./faults.mjs";
import { openBrowser, post, Server } from "./plaza.mjs";
import { bring } from "./talking.mjs";

/** More messages than the space remembers, by enough people to stay below the rate limit. */
const SPEAKERS = 9;
const EACH = 8;

let server;
let line;
let browser;
let ada;
let bo;
let space;
let speakers = 0;

before(async () => {
  server = await Server.start();
  line = await Line.open(server.address, 7);
  browser = await openBrowser();
  const token = await signUp("Owner");
  ({ spaceId: space } = await post(
    server,
    "space",
    { name: "Minutes", dimensions: "20x20", chat: "kept" },
    token,
  ));
  ada = await bring(browser, server, `/s/${space}`, "Ada");
  bo = await bring(browser, line, `/s/${space}`, "Bo");
});

after(async () => {
  await browser?.close();
  await line?.close();
  await server?.stop();
});

/** Returns the token of a new user. */
async function signUp(username) {
  const account = { username, password: "correct horse", type: "user" };
  await post(server, "signup", account);
  return (await post(server, "signin", account)).token;
}

/** The texts of all messages that a person sees, in order. */
const shown = ({ page }) => page.getByRole("log").locator(".message .text").allTextContents();

async function until(person, text) {
  await person.page.getByRole("log").getByText(text, { exact: true }).waitFor();
}

/** A user without a browser sends messages, and stays until Ada has them. */
async function speak(name) {
  const socket = new WebSocket(`${server.address.replace("http", "ws")}/ws`);
  const send = (type, payload) => socket.send(JSON.stringify({ type, payload }));
  const token = await signUp(name);
  if (socket.readyState !== WebSocket.OPEN) await once(socket, "open");
  send("join", { spaceId: space, token });
  await once(socket, "message");
  for (let number = 1; number <= EACH; number++)
    send("chat-message", { message: `${name}, ${number}` });
  await until(ada, `${name}, ${EACH}`);
  socket.close();
}

/** Breaks Bo's connection while many messages are sent. */
async function missMany() {
  const { length } = await shown(ada);
  line.cut();
  await bo.until(() => globalThis.__plaza().status !== "open");
  const names = Array.from({ length: SPEAKERS }, () => `Speaker ${++speakers}`);
  await Promise.all(names.map(speak));
  assert.equal((await shown(ada)).length, length + SPEAKERS * EACH);
  line.mend();
}

test("after a reconnect all missed messages are there, in the order that others saw", async () => {
  await ada.say("before the break");
  await until(bo, "before the break");
  await missMany();
  await until(bo, "Speaker 1, 1");
  await bo.page
    .getByRole("log")
    .locator(".message")
    .nth(SPEAKERS * EACH)
    .waitFor();
  assert.deepEqual(await shown(bo), await shown(ada));
  assert.equal(
    await bo.page.getByRole("button", { name: "Show the messages missing here" }).count(),
    0,
  );
});

test("when they cannot be fetched, a button fetches them later", async () => {
  const kept = /\/chat\?/;
  await bo.page.route(kept, (route) => route.abort());
  // The page also requests the part before its oldest message, to see if there is more.
  const oldest = (
    await bo.page.getByRole("log").locator(".message").first().getAttribute("id")
  ).replace("message-", "");
  const isAboutHole = (request) => kept.test(request.url()) && !request.url().includes(oldest);
  const failed = bo.page.waitForEvent("requestfailed", isAboutHole);
  await missMany();
  await failed;
  const button = bo.page.getByRole("button", { name: "Show the messages missing here" });
  await button.waitFor();
  const [all, told] = [await shown(ada), await shown(bo)];
  assert.ok(told.length < all.length);
  await button.scrollIntoViewIfNeeded();
  await bo.shot("chat-gap");
  await bo.page.unroute(kept);
  await button.click();
  await button.waitFor({ state: "detached" });
  await bo.page
    .getByRole("log")
    .locator(".message")
    .nth(all.length - 1)
    .waitFor();
  assert.deepEqual(await shown(bo), all);
  assert.deepEqual([...ada.complaints, ...bo.complaints], []);
});
