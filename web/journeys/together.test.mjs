/**
 * Together: two people meet, see each other walk, and talk; the server is killed and both keep
 * their positions.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openBrowser, Person, Server } from "./plaza.mjs";

let server;
let browser;
let ada;
let bo;
let link;

before(async () => {
  server = await Server.start();
  browser = await openBrowser();
  ada = await Person.sit(browser, server);
  bo = await Person.sit(browser, server);
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("a person signs up, picks an avatar and finds the lobby", async () => {
  const { page } = ada;
  await page.goto("/");
  await ada.shot("sign");
  await ada.signUp("Ada");
  await page.getByRole("radio", { name: "Leila" }).click();
  await ada.shot("avatar");
  await ada.choose("Leila");
  await page.getByRole("link", { name: "Join Plaza" }).waitFor();
  await page.locator(".space-card canvas[data-drawn]").first().waitFor();
  await ada.shot("lobby");
});

test("a taken name is explained, and nothing typed is lost", async () => {
  const { page } = bo;
  await page.goto("/");
  await page.getByLabel("Name", { exact: true }).fill("Ada");
  await page.getByLabel("Password").fill("another one");
  await page.getByRole("button", { name: "Sign up", exact: true }).click();
  await page.getByRole("alert").getByText("taken").waitFor();
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "Ada");
  await bo.shot("sign-error");
});

test("she makes a space from a map and is in it", async () => {
  const { page } = ada;
  await page.getByRole("button", { name: "New space" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Ada’s office");
  await page.getByRole("radio", { name: /Office/ }).check({ force: true });
  await page.locator("dialog canvas[data-drawn]").nth(2).waitFor();
  await ada.shot("create");
  await page.getByRole("button", { name: "Create and enter" }).click();
  await page.waitForURL(/\/s\//);
  link = new URL(page.url()).pathname;
  await page.goto(`${link}?debug`);
  await ada.arrive();
  assert.equal(await page.getByText("1 here").count(), 0);
});

test("he follows her link, signs up on the way, and both see each other", async () => {
  const { page } = bo;
  await page.goto(`${link}?debug`);
  await bo.signUp("Bo");
  await bo.choose("Jonas");
  await page.waitForURL(new RegExp(link));
  if (!page.url().includes("debug")) await page.goto(`${link}?debug`);
  await bo.arrive();
  for (const person of [ada, bo])
    await person.until(() => globalThis.__plaza?.().walkers.length === 2);
});

test("he sees her walk, never backwards, to where she stands", async () => {
  const her = (await ada.figures()).me;
  const from = (await ada.figures()).body.x;
  // Every frame of his page, recorded until she has walked two tiles in his view.
  const watched = bo.page.evaluate(
    (player) =>
      new Promise((resolve) => {
        const places = [];
        const note = () => {
          const drawn = globalThis
            .__plaza()
            .walkers.find((walker) => walker.player === player)?.drawn;
          if (drawn) places.push(drawn.x);
          if (places.length > 2 && Math.abs(places.at(-1) - places[0]) > 2) resolve(places);
          else requestAnimationFrame(note);
        };
        requestAnimationFrame(note);
      }),
    her,
  );
  const room = await ada.page.evaluate(() => globalThis.__plaza().body.x / 64);
  const key = room > 24 ? "ArrowLeft" : "ArrowRight";
  await ada.hold([key], (x) => Math.abs(globalThis.__plaza().body.x - x) > 3 * 64, from);
  const places = await watched;
  const way = Math.sign(places.at(-1) - places[0]);
  for (let index = 1; index < places.length; index++) {
    const by = (places[index] - places[index - 1]) * way;
    assert.ok(by >= -0.02, `she went back by ${by} tiles`);
  }
  await ada.until(() => globalThis.__plaza().pending === 0);
  const { body } = await ada.figures();
  await bo.until(
    ({ her, x }) => globalThis.__plaza().walkers.find(({ player }) => player === her)?.x === x,
    {
      her,
      x: body.x,
    },
  );
});

test("a wall stops her, in her view and in his", async () => {
  await ada.hold(["ArrowUp"], () => {
    // Ten steps upwards that lead nowhere mean a wall.
    const { body, seq } = globalThis.__plaza();
    const last = globalThis.__last;
    globalThis.__last = { y: body.y, seq: last?.y === body.y ? last.seq : seq };
    return seq - globalThis.__last.seq >= 10;
  });
  const { body, me, corrections } = await ada.figures();
  assert.equal(body.y % 64, 19, "the body touches the wall");
  assert.equal(corrections, 0, "the prediction was right all the way");
  await bo.until(
    ({ me, y }) => globalThis.__plaza().walkers.find(({ player }) => player === me)?.y === y,
    {
      me,
      y: body.y,
    },
  );
});

test("they talk: in the panel, over the head, and as an emote", async () => {
  const overHead = await bo.watchFor(".speech", "Hello Bo!");
  await ada.say("Hello Bo! <b>not bold</b> 👋");
  await bo.page.getByRole("log").getByText("Hello Bo! <b>not bold</b> 👋").waitFor();
  await overHead();
  const emote = await ada.watchFor(".emote", "🎉");
  await bo.page.locator(".world").focus();
  await bo.page.keyboard.press("5");
  await emote();
  await ada.shot("space");
  await bo.page.getByRole("button", { name: "Close chat" }).click();
  await ada.say("One more");
  await bo.page.getByRole("button", { name: "Chat, 1 unread" }).click();
  await bo.page.getByRole("log").getByText("One more").waitFor();
});

test("he clicks her in the list, walks up to her by himself", async () => {
  const { page } = bo;
  await page.getByRole("button", { name: /^People/ }).click();
  await page.getByLabel("Find somebody").fill("ad");
  await page.getByRole("button", { name: "Ada", exact: true }).click();
  await page.getByRole("button", { name: "Walk to Ada" }).click();
  await bo.until(() => {
    const { walkers, me, walking } = globalThis.__plaza();
    const [a, b] = [
      walkers.find(({ player }) => player === me),
      walkers.find(({ player }) => player !== me),
    ];
    return !walking && Math.hypot(a.x - b.x, a.y - b.y) < 2 * 64;
  });
  await page.getByRole("button", { name: /^People/ }).click();
});

test("a reload keeps the position", async () => {
  const before = await ada.figures();
  await ada.page.reload();
  await ada.arrive();
  const { body } = await ada.figures();
  assert.deepEqual([body.x, body.y], [before.body.x, before.body.y]);
});

test("after a restart of the server positions and messages are there without a reload", async () => {
  await ada.say("Before the storm");
  await bo.page.getByRole("button", { name: /^Chat/ }).click();
  await bo.page.getByRole("log").getByText("Before the storm").waitFor();
  const before = await Promise.all([ada.figures(), bo.figures()]);
  await ada.hold(["ArrowDown"], (y) => globalThis.__plaza().body.y > y + 64, before[0].body.y);
  await ada.until(() => globalThis.__plaza().pending === 0);
  const places = await Promise.all([ada.figures(), bo.figures()]);
  // A checkpoint is written within a second of the last change; one as late as what they saw
  // contains all of it.
  await server.untilKept(link.split("/").pop(), places[0].tick);
  await server.kill();
  await ada.page.getByText("Connection lost").waitFor();
  await ada.shot("connection-lost");
  await server.restart();
  for (const person of [ada, bo]) {
    await person.until(
      () => globalThis.__plaza().status === "open" && globalThis.__plaza().walkers.length === 2,
    );
  }
  const after = await Promise.all([ada.figures(), bo.figures()]);
  for (const index of [0, 1]) {
    assert.deepEqual(
      [after[index].body.x, after[index].body.y],
      [places[index].body.x, places[index].body.y],
    );
  }
  assert.equal(await ada.page.getByRole("log").getByText("Before the storm").count(), 1);
  await ada.say("And after it");
  await bo.page.getByRole("log").getByText("And after it").waitFor();
});

test("her second window takes over, and the first one says so", async () => {
  const second = await ada.context.newPage();
  await second.goto(`${link}?debug`);
  await ada.page.getByRole("alertdialog", { name: "You are here in another window" }).waitFor();
  await second.close();
  await ada.page.getByRole("button", { name: "Come back" }).click();
  await ada.page.getByRole("alertdialog").waitFor({ state: "detached" });
  await ada.until(() => globalThis.__plaza().status === "open");
});

test("she deletes the space, and he is told", async () => {
  const { page } = ada;
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByRole("button", { name: "Delete Ada’s office" }).click();
  await ada.shot("delete");
  await page.getByRole("button", { name: "Delete it" }).click();
  await bo.page.getByRole("alertdialog", { name: "This space was deleted" }).waitFor();
  await bo.shot("deleted");
});

test("no page complained", () => {
  assert.deepEqual([...ada.complaints, ...bo.complaints], []);
});
