/**
 * SFU: six people are too many for direct connections: each sends their media once, and the server
 * forwards it.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DEVICES, openBrowser, Server } from "../plaza.mjs";
import {
  agree,
  arrive,
  bring,
  makeSpace,
  untilOneConnection,
  WINDOW,
  walkUp,
} from "../talking.mjs";

let server;
let browser;
let link;
const people = [];

/**
 * Six browsers share one machine without a graphics card, so cameras are slow and pages run without
 * animations.
 */
const SPARING = [
  ...DEVICES,
  "--use-fake-device-for-media-stream=fps=10",
  "--disable-gpu-compositing",
];

/** Small phones without animations. */
const SMALL = {
  viewport: { width: 390, height: 520 },
  hasTouch: true,
  isMobile: true,
  reducedMotion: "reduce",
};
const sit = (name) => bring(browser, server, link, name, SMALL);

async function microphones(before, after) {
  for (const { page } of people) {
    await page.getByRole("button", { name: `Microphone ${before} (M)` }).click();
    await page.getByRole("button", { name: `Microphone ${after} (M)` }).waitFor();
  }
}

/** All others are heard through the server; each beeps once a second. */
async function everybodyHears() {
  for (const { page } of people) await page.evaluate(() => delete globalThis.__heard);
  const hears = (others) => {
    const { calls } = globalThis.__plaza();
    globalThis.__heard ??= new Set();
    for (const { player, level } of calls) if (level > 0.01) globalThis.__heard.add(player);
    return (
      calls.length === others &&
      calls.every(
        ({ player, isForwarded, state }) =>
          isForwarded && state === "connected" && globalThis.__heard.has(player),
      )
    );
  };
  await Promise.all(people.map((person) => person.until(hears, people.length - 1)));
}

before(async () => {
  server = await Server.start();
  browser = await openBrowser(SPARING);
  const ada = await arrive(browser, server, undefined, "Ada", {
    ...WINDOW,
    reducedMotion: "reduce",
  });
  link = await makeSpace(ada, "Six people", /Office/);
  people.push(ada);
  people.push(await sit("Bo"));
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("two of them talk directly, and continue without a gap when four more join", async () => {
  const [ada, bo] = people;
  for (const person of [ada, bo]) await agree(person, "microphone");
  await walkUp(bo, "Ada");
  await bo.until(() =>
    globalThis.__plaza().calls.some(({ level, isForwarded }) => level > 0.01 && !isForwarded),
  );
  for (const name of ["Cleo", "Dan", "Eve", "Fay"]) {
    const other = await sit(name);
    people.push(other);
    await agree(other, "microphone");
    await walkUp(other, "Ada");
  }
  await everybodyHears();
  await ada.shot("sfu");
});

test("each sends its voice once, and all direct connections are closed", async () => {
  for (const { page } of people) {
    await untilOneConnection(page);
    const [stats] = await page.evaluate(() => globalThis.__plaza().connections());
    const sent = stats.filter(
      ({ type, kind, packetsSent }) =>
        type === "outbound-rtp" && kind === "audio" && packetsSent > 0,
    );
    assert.equal(sent.length, 1, "one voice is sent");
    const heard = stats.filter(({ type, kind, packetsReceived }) => {
      return type === "inbound-rtp" && kind === "audio" && packetsReceived > 0;
    });
    assert.equal(heard.length, 5, "five are received");
  }
});

test("a camera is sent in two layers, and reaches everyone nearby", async () => {
  const [ada, bo] = people;
  // Thirty voice streams fill two cores, and late packets lower the bandwidth estimate that is left
  // for video.
  await microphones("on", "off");
  await ada.page.getByRole("button", { name: "Camera off (V)" }).click();
  for (const { page } of people.slice(1)) {
    await page.waitForFunction(
      () => document.querySelector(".tile.camera:not(.mine) video")?.currentTime > 0,
    );
  }
  await bo.page.getByRole("button", { name: "Make Ada large" }).click();
  await bo.page.waitForFunction(
    () => document.querySelector(".tile.camera.large video")?.videoWidth > 320,
  );
  await bo.shot("sfu-picture");
  await bo.page.getByRole("button", { name: "Make Ada small" }).click();
  await ada.page.getByRole("button", { name: "Camera on (V)" }).click();
  await microphones("off", "on");
});

test("the bubble continues after a crash of the server", async () => {
  await server.kill();
  await server.restart();
  for (const person of people) await person.until(() => globalThis.__plaza().status === "open");
  await everybodyHears();
});

test("the remaining people talk directly again", async () => {
  const [ada, bo] = people;
  for (const person of people.splice(2)) {
    assert.deepEqual(person.complaints, []);
    await person.context.close();
  }
  for (const person of [ada, bo]) {
    await person.until(() => {
      const { calls } = globalThis.__plaza();
      return (
        calls.length === 1 &&
        !calls[0].isForwarded &&
        calls[0].state === "connected" &&
        calls[0].level > 0.01
      );
    });
    assert.deepEqual(person.complaints, []);
  }
});
