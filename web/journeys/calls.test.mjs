/**
 * Calls: people walk up to each other and talk with camera and microphone; who may not hear
 * receives nothing.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DEVICES, openBrowser, PHONE, Server } from "./plaza.mjs";
import { agree, arrive, makeSpace, WINDOW, walkUp } from "./talking.mjs";

let server;
let browser;
let ada;
let bo;
let link;

const sit = (name, options = WINDOW, from = browser) => arrive(from, server, link, name, options);

/**
 * Walks until the other is this many tiles away, and changes direction when something is in the
 * way.
 */
async function walkAway(person, tiles) {
  const isAway = (tiles) => {
    const { body, walkers, me } = globalThis.__plaza();
    const other = walkers.find(({ player }) => player !== me);
    return !other || Math.hypot(body.x - other.x, body.y - other.y) > tiles * 64;
  };
  const keys = ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"];
  for (let way = 0; !(await person.page.evaluate(isAway, tiles)); way++) {
    assert.ok(way < 16, "there is a way out");
    await person.hold(
      [keys[way % keys.length]],
      (tiles) => {
        const { body, walkers, me, seq } = globalThis.__plaza();
        const other = walkers.find(({ player }) => player !== me);
        const last = globalThis.__stood;
        const isStuck = last?.x === body.x && last.y === body.y && seq - last.seq >= 10;
        if (last?.x !== body.x || last.y !== body.y || isStuck)
          globalThis.__stood = { x: body.x, y: body.y, seq };
        return isStuck || !other || Math.hypot(body.x - other.x, body.y - other.y) > tiles * 64;
      },
      tiles,
    );
  }
}

const heard = () => globalThis.__plaza().calls.find(({ state }) => state === "connected");

before(async () => {
  server = await Server.start();
  browser = await openBrowser(DEVICES);
  ada = await sit("Ada");
  link = await makeSpace(ada, "Talk", /Office/);
  bo = await sit("Bo");
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("devices are tried out before they are sent", async () => {
  const { page } = ada;
  await page.getByRole("button", { name: "Camera off (V)" }).click();
  const dialog = page.getByRole("dialog", { name: "Microphone and camera" });
  await dialog.waitFor();
  await page.waitForFunction(() => document.querySelector(".preview-picture")?.videoWidth > 0);
  await page.waitForFunction(() => document.querySelector("meter.level")?.value > 0);
  await ada.shot("call-devices");
  await dialog.getByRole("button", { name: "Not now" }).click();
});

test("he walks up, and they hear and see each other", async () => {
  await walkUp(bo, "Ada");
  for (const person of [ada, bo]) await person.until(heard);
  await agree(ada, "microphone");
  await ada.page.getByRole("button", { name: "Camera off (V)" }).click();
  await agree(bo, "camera");
  // Her beeps are in his audio graph, and her camera is in his video tiles.
  await bo.until(() =>
    globalThis.__plaza().calls.some(({ level, gain }) => level > 0.01 && gain > 0.9),
  );
  for (const person of [ada, bo]) {
    await person.page.waitForFunction(() => {
      const other = document.querySelector(".tile.camera:not(.mine) video");
      return other?.videoWidth > 0 && other.currentTime > 0;
    });
  }
  await bo.page.locator(".speaks").first().waitFor();
  await bo.page.getByRole("button", { name: "Who can hear me: 1" }).click();
  await bo.page.getByRole("region", { name: "Who can hear me" }).getByText("Ada").waitFor();
  await bo.shot("call");
  await bo.page.getByRole("button", { name: "Close the list" }).click();
});

test("a screen is shared, shown large, and stopped", async () => {
  await ada.page.evaluate(() => {
    // Headless browsers have no screen to share, so a page that draws replaces it.
    const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
    const draw = () => {
      const context = canvas.getContext("2d");
      context.fillStyle = `hsl(${(performance.now() / 20) % 360} 60% 50%)`;
      context.fillRect(0, 0, 640, 360);
      requestAnimationFrame(draw);
    };
    draw();
    navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(15);
  });
  await ada.page.getByRole("button", { name: "Share a screen" }).click();
  await bo.page.waitForFunction(() => document.querySelector(".tile.screen video")?.videoWidth > 0);
  await bo.page.getByRole("button", { name: "Make Ada’s screen large" }).click();
  await bo.page.locator(".tile.screen.large").waitFor();
  await bo.shot("call-screen");
  await bo.page.getByRole("button", { name: "Make Ada’s screen small" }).click();
  await ada.page.getByRole("button", { name: "Stop sharing the screen" }).click();
  await bo.page.locator(".tile.screen").waitFor({ state: "detached" });
});

test("the sound falls with the distance, and then both are alone", async () => {
  await walkAway(ada, 3.2);
  await bo.until(() => globalThis.__plaza().calls.some(({ gain }) => gain > 0.01 && gain < 0.98));
  await walkAway(ada, 6.5);
  for (const person of [ada, bo]) await person.until(() => globalThis.__plaza().calls.length === 0);
  await bo.page.locator(".tile.camera:not(.mine)").waitFor({ state: "detached" });
  await bo.page.getByRole("button", { name: "Who can hear me: nobody" }).waitFor();
});

test("a blocked person is neither heard nor seen until they are unblocked", async () => {
  await walkUp(bo, "Ada");
  await bo.until(heard);
  const block = async (label) => {
    await bo.page.getByRole("button", { name: /^People/ }).click();
    await bo.page.getByRole("button", { name: "Ada", exact: true }).click();
    await bo.page.getByRole("button", { name: label, exact: true }).click();
    await bo.page.getByRole("button", { name: /^People/ }).click();
  };
  await block("Block");
  for (const person of [ada, bo]) await person.until(() => globalThis.__plaza().calls.length === 0);
  await block("Unblock");
  for (const person of [ada, bo]) await person.until(heard);
});

test("the call continues while the space recovers from a crash", async () => {
  const packets = () =>
    bo.page.evaluate(
      () => document.querySelector(".tile.camera:not(.mine) video")?.currentTime ?? 0,
    );
  await bo.page.waitForFunction(
    () => document.querySelector(".tile.camera:not(.mine) video")?.currentTime > 0,
  );
  const before = await packets();
  await server.kill();
  await bo.page.getByText("Connection lost").waitFor();
  // Media goes directly between the browsers, without the server.
  await bo.page.waitForFunction(
    (before) => document.querySelector(".tile.camera:not(.mine) video")?.currentTime > before + 1,
    before,
  );
  await server.restart();
  for (const person of [ada, bo]) await person.until(() => globalThis.__plaza().status === "open");
  for (const person of [ada, bo]) await person.until(heard);
});

test("on a phone everything is in reach, and a device that is refused is explained", async () => {
  const plain = await openBrowser();
  try {
    const cleo = await sit("Cleo", { ...PHONE, colorScheme: "dark" }, plain);
    await cleo.page.getByRole("button", { name: "Microphone off (M)" }).click();
    await cleo.page
      .getByRole("dialog", { name: "Microphone and camera" })
      .getByRole("alert")
      .waitFor();
    await cleo.shot("call-refused-phone");
    await cleo.page.getByRole("button", { name: "Not now" }).click();
    await walkUp(cleo, "Ada");
    await cleo.until(() => globalThis.__plaza().calls.length > 0);
    await cleo.shot("call-phone");
    assert.deepEqual(cleo.complaints, []);
  } finally {
    await plain.close();
  }
});

test("no page complained", () => {
  assert.deepEqual([...ada.complaints, ...bo.complaints], []);
});
