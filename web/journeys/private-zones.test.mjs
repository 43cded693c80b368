/**
 * Private zones: two people talk in a private zone, and no one outside hears them until they are
 * let in. A person around whom others build is not held there.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DEVICES, openBrowser, post, Server } from "./plaza.mjs";
import { agree, arrive, bring, goTo, makeSpace } from "./talking.mjs";

let server;
let browser;
let ada;
let bo;
let cleo;

/** On the Meadow blanket of the park, and right next to it. */
const INSIDE = [
  [49, 14],
  [51, 14],
];
const NEXT_TO = [50, 15];
const AWAY = [54, 16];
const MEADOW = [57, 14];

/** The four tiles around one. */
const SIDES = [
  [-1, 0],
  [1, 0],
  [0, -1],
  [0, 1],
];

/** The other players that are heard, by number. */
const heard = () => {
  const { calls } = globalThis.__plaza();
  return calls.filter(({ gain, level }) => gain > 0.9 && level > 0.01).map(({ player }) => player);
};

before(async () => {
  server = await Server.start();
  browser = await openBrowser(DEVICES);
  ada = await arrive(browser, server, undefined, "Ada");
  const link = await makeSpace(ada, "Meadow", /Park/);
  bo = await bring(browser, server, link, "Bo");
  cleo = await bring(browser, server, link, "Cleo");
  for (const person of [ada, bo, cleo]) await agree(person, "microphone");
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

test("in the open all three hear each other", async () => {
  await goTo(ada, 50, 16);
  await goTo(bo, 51, 16);
  await goTo(cleo, ...NEXT_TO);
  for (const person of [ada, bo, cleo]) {
    const { me, peers } = await person.figures();
    await person.until((others) => globalThis.__plaza().calls.length === others, 2);
    for (const { player } of peers.filter(({ player }) => player !== me)) {
      // Each one beeps once a second.
      await person.until(
        (player) =>
          globalThis.__plaza().calls.some((call) => call.player === player && call.level > 0.01),
        player,
      );
    }
  }
});

test("in a private zone two hear each other, and a third outside neither hears nor is heard", async () => {
  await goTo(ada, ...INSIDE[0]);
  await goTo(bo, ...INSIDE[1]);
  await goTo(cleo, ...NEXT_TO);
  for (const person of [ada, bo]) {
    await person.until(() => {
      const { calls, zones } = globalThis.__plaza();
      return (
        zones.includes("Meadow blanket") &&
        calls.length === 1 &&
        calls[0].gain === 1 &&
        calls[0].level > 0.01
      );
    });
  }
  await cleo.until(() => globalThis.__plaza().calls.length === 0);
  const open = await cleo.page.evaluate(() => globalThis.__plaza().connections());
  assert.deepEqual(open, [], "nothing connects her to the others");
  const [{ me: adas }, { me: bos }] = [await ada.figures(), await bo.figures()];
  assert.deepEqual(
    (await ada.figures()).peers.map(({ player }) => player),
    [bos],
  );
  assert.deepEqual(
    (await bo.figures()).peers.map(({ player }) => player),
    [adas],
  );
  await cleo.page.getByRole("button", { name: "Who can hear me: nobody" }).waitFor();
  await ada.shot("zone-inside");
  await cleo.shot("zone-outside");
});

test("a locked zone is entered by knocking", async () => {
  await ada.page.getByRole("button", { name: "Lock this private zone" }).click();
  const knock = cleo.page.getByRole("button", { name: "Knock at Meadow blanket" });
  // The sign is shown whenever she stands in front of the door, not only the first time.
  for (let visit = 0; visit < 3; visit++) {
    await goTo(cleo, ...NEXT_TO);
    await cleo.page.getByText("Locked by Ada").waitFor();
    await knock.waitFor();
    if (visit === 0) await cleo.shot("zone-locked");
    if (visit === 2) break;
    await goTo(cleo, ...AWAY);
    await knock.waitFor({ state: "detached" });
  }
  await knock.click();
  await bo.page.getByRole("alert").filter({ hasText: "Cleo knocks." }).waitFor();
  await bo.shot("zone-knock");
  await bo.page.getByRole("button", { name: "Let in" }).click();
  await cleo.page.getByText("You may come in.").waitFor();
  await goTo(cleo, 50, 14);
  await cleo.until(() => globalThis.__plaza().calls.length === 2);
  await cleo.page.waitForFunction(heard, undefined, { polling: 50 });
});

/** The owner puts a rock on each side of a person. */
async function wallIn(person, x, y) {
  await goTo(person, x, y);
  await person.until(() => !globalThis.__plaza().walking);
  const { elements } = await (await fetch(`${server.address}/api/v1/elements`)).json();
  const elementId = elements.find(({ imageUrl }) => imageUrl.includes("/rock")).id;
  const token = await ada.page.evaluate(() => localStorage.getItem("plaza.token"));
  const spaceId = new URL(ada.page.url()).pathname.split("/").at(-1);
  for (const [dx, dy] of SIDES)
    await post(server, "space/element", { spaceId, elementId, x: x + dx, y: y + dy }, token);
  await person.page.getByText("No way leads out of here.").waitFor();
}

/** Waits until a person is where people arrive, on the park's Fountain square. */
async function arrivesAtTheEntrance({ page }) {
  const isThere = () => {
    const { x, y } = globalThis.__plaza().body;
    return x >= 25 * 64 && x < 31 * 64 && y >= 25 * 64 && y < 28 * 64;
  };
  await page.waitForFunction(isThere, undefined, { polling: 50 });
  await page.getByText("No way leads out of here.").waitFor({ state: "detached" });
}

test("a walled-in player gets out by a key, and one who comes back is at the entrance", async () => {
  await wallIn(bo, ...AWAY);
  await bo.shot("zone-walled-in");
  await bo.page.locator(".world").focus();
  await bo.page.keyboard.press("h");
  await arrivesAtTheEntrance(bo);
  await wallIn(cleo, ...MEADOW);
  const link = cleo.page.url();
  await cleo.page.goto("/");
  await bo.page.getByRole("button", { name: "People, 2 here" }).waitFor();
  await cleo.page.goto(link);
  await cleo.arrive();
  await arrivesAtTheEntrance(cleo);
  for (const { complaints } of [ada, bo, cleo]) assert.deepEqual(complaints, []);
});
