/**
 * Screenshots for the documentation, taken of the real program: `node journeys/pictures.mjs`, after
 * `cargo build`.
 *
 * Nine people meet in the park of a new server; the screenshots show the view of one of them, on a
 * desktop and on a phone, and the lobby while they are inside.
 */

import { fileURLToPath } from "node:url";
import { openBrowser, PHONE, Server } from "./plaza.mjs";
import { arrive, makeSpace } from "./talking.mjs";

const FOLDER = fileURLToPath(new URL("../../docs/pictures/", import.meta.url));
const WINDOW = { viewport: { width: 1200, height: 750 } };
const SMALL = { viewport: { width: 800, height: 700 } };

/** The other people, and how far they walk from the spawn: tiles to the right and down. */
const GUESTS = [
  ["Jonas", -3, 0],
  ["Amara", 3, 1],
  ["Kenji", -2, 1],
  ["Priya", 4, 0],
  ["Tom", -4, 1],
  ["Oksana", 2, 0],
  ["Theo", 1, 1],
  ["Zoe", -1, 1],
];

/** Walks that many tiles; nothing is in the way there. */
async function walk(person, across, down) {
  for (const [axis, tiles, keys] of [
    ["x", across, ["ArrowLeft", "ArrowRight"]],
    ["y", down, ["ArrowUp", "ArrowDown"]],
  ]) {
    if (tiles === 0) continue;
    const { body } = await person.figures();
    const far = [axis, body[axis], 64 * Math.abs(tiles)];
    await person.hold([keys[tiles < 0 ? 0 : 1]], hasGone, far);
  }
  await person.until(() => !globalThis.__plaza().walking);
}

/** In the page: whether the own player walked that far. */
const hasGone = ([axis, from, tiles]) => Math.abs(globalThis.__plaza().body[axis] - from) >= tiles;

const take = (person, name) => person.page.screenshot({ path: `${FOLDER}${name}.png` });

const server = await Server.start();
const browser = await openBrowser();
try {
  const leila = await arrive(browser, server, undefined, "Leila", WINDOW, "Leila");
  await leila.page.getByRole("link", { name: "Join Plaza" }).waitFor();
  const links = {};
  for (const [name, template] of [
    ["Autumn conference", /Conference/],
    ["Team office", /Office/],
    ["Lunch in the park", /Park/],
  ]) {
    await leila.page.goto("/");
    links[name] = await makeSpace(leila, name, template);
  }
  const park = links["Lunch in the park"];
  const guests = [];
  for (const [name, across, down] of GUESTS) {
    const guest = await arrive(browser, server, park, name, SMALL, name);
    await walk(guest, across, down);
    guests.push(guest);
  }
  const [jonas, amara, , priya] = guests;
  await jonas.say("Is there still room at the fountain?");
  await amara.say("Plenty. I brought *cake*.");
  await leila.say("Good morning everybody! Coffee in five minutes? ☕");
  await priya.page.locator(".world").focus();
  await priya.page.keyboard.press("1");
  const chat = leila.page.getByRole("button", { name: /^Chat(, |$)/ });
  if ((await chat.getAttribute("aria-expanded")) !== "true") await chat.click();
  await leila.page.locator(".emote").first().waitFor();
  await take(leila, "park");

  const nora = await arrive(browser, server, park, "Nora", PHONE, "Nora");
  await nora.page.locator(".hud.bottom").waitFor();
  await take(nora, "phone");

  await leila.page.goto("/");
  await leila.page.locator(".space-card canvas[data-drawn]").nth(3).waitFor();
  await take(leila, "lobby");
} finally {
  await browser.close();
  await server.stop();
}
