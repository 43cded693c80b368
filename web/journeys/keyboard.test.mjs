/**
 * Keyboard: where the focus is, what Escape and the arrow keys do, what is visible in forced
 * colours, and names of the greatest length.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { DESKTOP, PHONE, startJourney } from "./plaza.mjs";

const journey = startJourney();

/** Waits until the heading of the screen has the focus. */
const onHeading = (page, words) =>
  page.waitForFunction(
    (words) =>
      document.activeElement?.tagName === "H1" &&
      document.activeElement.textContent.includes(words),
    words,
  );

const focused = (page, selector) =>
  page.waitForFunction((selector) => document.activeElement?.matches(selector), selector);

test("each new screen focuses its heading; panels take the focus, Escape closes them one by one", async () => {
  const person = await journey.sit(DESKTOP);
  const { page } = person;
  await page.goto("/");
  await person.signUp("Kim");
  await onHeading(page, "Who will you be?");
  await person.choose("Maya");
  await onHeading(page, "Where to?");
  await page.getByRole("link", { name: "Join Plaza" }).click();
  await person.arrive();
  await onHeading(page, "Plaza");
  // The chat is open on a wide window; arrow keys move through its tabs.
  await page.getByRole("tab", { name: "Space" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tab", { name: "Nearby", selected: true }).waitFor();
  await page.keyboard.press("End");
  await page.getByRole("tab", { name: "Direct", selected: true }).waitFor();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tab", { name: "Space", selected: true }).waitFor();
  // The list of people takes the focus, arrow keys move through it, and Escape closes the card,
  // then the list.
  await page.getByRole("button", { name: /^People/ }).press("Enter");
  await focused(page, "input[type=search]");
  await page.keyboard.press("Tab");
  await focused(page, ".person");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.locator(".who-card").waitFor();
  await focused(page, ".who-card");
  await page.keyboard.press("F3");
  await page.locator(".network").waitFor();
  for (const [gone, stays] of [
    [".network", ".who-card"],
    [".who-card", ".people-panel"],
    [".people-panel", ".bar"],
  ]) {
    await page.keyboard.press("Escape");
    await page.locator(gone).waitFor({ state: "detached" });
    await page.locator(stays).first().waitFor();
  }
  assert.deepEqual(person.complaints, []);
  await person.context.close();
});

test("in forced colours the selection has an outline", async () => {
  const person = await journey.sit({ ...DESKTOP, forcedColors: "active" });
  const { page } = person;
  await page.goto("/");
  await person.signUp("Fay");
  const outline = (locator) =>
    locator.evaluate((element) => getComputedStyle(element).outlineStyle);
  const chosen = page.getByRole("radio", { checked: true });
  await chosen.waitFor();
  assert.equal(await outline(chosen), "solid");
  assert.equal(await outline(page.getByRole("radio", { checked: false }).first()), "none");
  await person.shot("forced-colours-avatar");
  await person.choose("Maya");
  await page.getByRole("link", { name: "Join Plaza" }).click();
  await person.arrive();
  assert.equal(await outline(page.getByRole("tab", { selected: true })), "solid");
  assert.equal(await outline(page.getByRole("button", { name: "Chat", exact: true })), "solid");
  await person.shot("forced-colours-space");
  await person.context.close();
});

test("a name of 64 letters breaks no screen", async () => {
  for (const [options, letter] of [
    [DESKTOP, "m"],
    [PHONE, "w"],
  ]) {
    const person = await journey.sit(options);
    const { page } = person;
    const fits = async (screen) => {
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${screen} is ${wide} px too wide`);
    };
    await page.goto("/");
    await person.signUp(letter.repeat(64));
    await page.getByRole("radio").first().waitFor();
    await fits("the picker");
    await person.shot(`long-person-${letter}`);
    await person.choose("Maya");
    await page.getByRole("heading", { name: "My spaces" }).waitFor();
    await fits("the lobby");
    await page.getByRole("link", { name: "Join Plaza" }).click();
    await person.arrive();
    await page.getByRole("button", { name: /^People/ }).click();
    await page.locator(".people-panel").waitFor();
    await fits("the list of people");
    await person.context.close();
  }
});
