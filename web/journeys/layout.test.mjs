/** Layout: at every window size all controls over the world can be pressed, and none overlap. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { DEVICES, openBrowser, Server } from "./plaza.mjs";
import { agree, arrive, bring } from "./talking.mjs";

/**
 * Widths and heights in CSS pixels: phones, tablets and desktops in both orientations; the last
 * four are windows at 200 % zoom.
 */
const SIZES = [
  [360, 640],
  [390, 844],
  [430, 932],
  [640, 360],
  [844, 390],
  [932, 430],
  [768, 1024],
  [1024, 768],
  [820, 1180],
  [1280, 800],
  [1440, 900],
  [2560, 1440],
  [640, 400],
  [720, 450],
  [512, 384],
  [960, 540],
];

let server;
let browser;
let ada;
let bo;

before(async () => {
  server = await Server.start();
  browser = await openBrowser(DEVICES);
  ada = await arrive(browser, server, undefined, "Ada");
  const link = await ada.page.getByRole("link", { name: "Join Plaza" }).getAttribute("href");
  await ada.page.goto(`${link}?debug`);
  await ada.arrive();
  bo = await bring(browser, server, link, `Bo ${"with a very long name ".repeat(2)}`.trim());
  await ada.until(() => globalThis.__plaza().walkers.length === 2);
  // At every size there are a picture of a call and two signs.
  await agree(bo, "camera");
  await ada.page.locator(".tile").waitFor();
  await toggle(bo.page, /^People/);
  await bo.page.getByRole("button", { name: "Ada", exact: true }).click();
  await toggle(bo.page, /^Follow$/);
  await ada.page.getByText(/^Bo with.* follows you\.$/).waitFor();
  await bo.page.locator(".world").focus();
  await bo.page.keyboard.press("b");
  await ada.page.getByText(/^Bo with.* wants to talk in a bubble with you\.$/).waitFor();
});

after(async () => {
  await browser?.close();
  await server?.stop();
});

/**
 * Faults of the current screen: controls that cannot be hit, and elements that overlap or reach
 * outside the window.
 */
function faults() {
  const wrong = [];
  /** The visible part of an element in a scrolling container. */
  const shown = (thing) => {
    const box = thing.getBoundingClientRect();
    const frame = thing.closest(".place, .notices")?.getBoundingClientRect() ?? box;
    return {
      left: Math.max(box.left, frame.left),
      top: Math.max(box.top, frame.top),
      right: Math.min(box.right, frame.right),
      bottom: Math.min(box.bottom, frame.bottom),
    };
  };
  const nameOf = (element) =>
    element.getAttribute("aria-label") ??
    (element.textContent.trim().slice(0, 30) || element.className || element.tagName);
  const top =
    document.querySelector("dialog[open]") ??
    document.querySelector(".curtain") ??
    document.querySelector("main");
  const controls = top.querySelectorAll(
    "button, a[href], input:not(.visually-hidden), select, textarea, canvas.minimap",
  );
  for (const control of controls) {
    if (!control.checkVisibility({ visibilityProperty: true }) || control.closest("[inert]"))
      continue;
    control.scrollIntoView({ block: "nearest", inline: "nearest" });
    const { left, top: above, right, bottom } = control.getBoundingClientRect();
    const [x, y] = [(left + right) / 2, (above + bottom) / 2];
    const hit = document.elementFromPoint(x, y);
    const isHit = hit && (control.contains(hit) || hit.closest("label")?.contains(control));
    if (!isHit)
      wrong.push(
        `${nameOf(control)} at ${Math.round(x)}, ${Math.round(y)} is under ${hit?.className || hit?.tagName}`,
      );
  }
  // A dialog covers everything, and elements under it need not be reachable.
  if (top.matches("dialog")) return wrong;
  const things = [
    ...document.querySelectorAll(
      ".bar > *, .side > *, .place > :not(:empty), .notices > *, .minimap, .deck > *",
    ),
  ];
  const boxes = things
    .filter((thing) => thing.checkVisibility())
    .map((thing) => ({ name: nameOf(thing), ...shown(thing) }))
    .filter(({ left, top, right, bottom }) => right > left && bottom > top);
  for (const [index, one] of boxes.entries()) {
    const isOut =
      one.left < 0 || one.top < 0 || one.right > innerWidth + 0.5 || one.bottom > innerHeight + 0.5;
    if (isOut) wrong.push(`${one.name} sticks out of the window`);
    for (const other of boxes.slice(index + 1)) {
      const isOver =
        one.left < other.right - 1 &&
        other.left < one.right - 1 &&
        one.top < other.bottom - 1 &&
        other.top < one.bottom - 1;
      if (isOver) wrong.push(`${one.name} lies on ${other.name}`);
    }
  }
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) wrong.push(`the page is ${wide} px too wide`);
  return wrong;
}

/** Waits until animations have ended and the next frame is drawn. */
async function settledIn(page) {
  await page.evaluate(() => {
    const moving = document
      .getAnimations()
      .filter(({ effect }) => effect?.getComputedTiming().iterations !== Infinity);
    return Promise.all(moving.map((animation) => animation.finished.catch(() => {})));
  });
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );
}

/** Presses Escape, which closes one thing at a time, until nothing is open. */
async function closeAll(page) {
  const large = page.getByRole("button", { name: /^Make Bo with.* small$/ });
  if ((await large.count()) > 0) await large.click();
  for (let presses = 0; presses < 6; presses++) {
    await settledIn(page);
    if ((await page.locator(".panel, .who-card, .network, dialog[open]").count()) === 0) return;
    await page.keyboard.press("Escape");
  }
  assert.fail("Escape does not close everything");
}

const toggle = (page, name) => page.getByRole("button", { name }).first().click();

/** What can be on the screen, and how to open it from a screen with nothing open. */
const STATES = {
  bare: async () => {},
  chat: (page) => toggle(page, /^Chat/),
  people: (page) => toggle(page, /^People/),
  hearers: (page) => toggle(page, /^Who can hear me/),
  card: async (page) => {
    await toggle(page, /^People/);
    await page.locator(".person", { hasText: /^Bo with/ }).click();
  },
  figures: (page) => page.keyboard.press("F3"),
  devices: (page) => toggle(page, /^Devices/),
  picture: (page) => toggle(page, /^Make Bo with.* large$/),
};

/** Sizes at which every state is checked for accessibility faults, too. */
const INSPECTED = ["390 844", "1280 800"];

for (const [width, height] of SIZES) {
  test(`at ${width} × ${height} every control can be pressed and none overlap`, async () => {
    const { page } = ada;
    await page.setViewportSize({ width, height });
    const wrong = [];
    for (const [state, open] of Object.entries(STATES)) {
      await closeAll(page);
      await open(page);
      await settledIn(page);
      for (const fault of await page.evaluate(faults)) wrong.push(`${state}: ${fault}`);
      if (INSPECTED.includes(`${width} ${height}`)) await ada.inspect(`${state} at ${width}`);
      if (process.env.LAYOUT_SHOTS) await ada.shot(`layout-${width}x${height}-${state}`);
    }
    assert.deepEqual(wrong, []);
  });
}

test("no page reported an error", () => {
  assert.deepEqual([...ada.complaints, ...bo.complaints], []);
});
