/** Talking: what journeys of people who talk have in common. */

import { Person, post } from "./plaza.mjs";

/** Small windows: video is encoded, sent and drawn without a graphics card. */
export const WINDOW = { viewport: { width: 1000, height: 640 } };

/** Signs a person up and brings them into the space, if there is one already. */
export async function arrive(browser, server, link, name, options = WINDOW, avatar = "Jonas") {
  const person = await Person.sit(browser, server, options);
  const { page } = person;
  await page.goto(link ? `${link}?debug` : "/");
  await person.signUp(name);
  await person.choose(avatar);
  if (link) {
    await page.waitForURL(new RegExp(link));
    if (!page.url().includes("debug")) await page.goto(`${link}?debug`);
    await person.arrive();
  }
  return person;
}

/** Brings a person into a space who signed up earlier, since sign-up has its own journeys. */
export async function bring(browser, server, link, name, options = WINDOW) {
  const person = await Person.sit(browser, server, options);
  const account = { username: name, password: "correct horse", type: "user" };
  await post(server, "signup", account);
  const { token } = await post(server, "signin", account);
  await person.context.addInitScript((token) => localStorage.setItem("plaza.token", token), token);
  await person.page.goto(`${link}?debug`);
  await person.arrive();
  return person;
}

/** Creates a space from a template and enters it; returns its URL. */
export async function makeSpace(person, name, template) {
  const { page } = person;
  await page.getByRole("button", { name: "New space" }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("radio", { name: template }).check({ force: true });
  await page.getByRole("button", { name: "Create and enter" }).click();
  await page.waitForURL(/\/s\//);
  const link = new URL(page.url()).pathname;
  await page.goto(`${link}?debug`);
  await person.arrive();
  return link;
}

/** Opens a part of the settings of the space; returns the dialog. */
export async function openSettings({ page }, part) {
  await page.getByRole("button", { name: "Space settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Space settings" });
  await dialog.getByRole("tab", { name: part }).click();
  await dialog.getByRole("region", { name: part }).waitFor();
  return dialog;
}

/** Agrees to be heard or seen, for the first time. */
export async function agree(person, which) {
  const { page } = person;
  await page
    .getByRole("button", { name: which === "camera" ? "Camera off (V)" : "Microphone off (M)" })
    .click();
  await page.getByRole("button", { name: `Switch the ${which} on` }).click();
  await page
    .getByRole("button", { name: which === "camera" ? "Camera on (V)" : "Microphone on (M)" })
    .waitFor();
}

export async function walkUp(person, name) {
  const { page } = person;
  await page.getByRole("button", { name: /^People/ }).click();
  await page.getByLabel("Find somebody").fill(name);
  await page.getByRole("button", { name, exact: true }).click();
  await page.getByRole("button", { name: `Walk to ${name}` }).click();
  // On a small screen the list has closed by itself.
  const isOpen = await page.getByRole("region", { name: "People" }).isVisible();
  if (isOpen) await page.getByRole("button", { name: /^People/ }).click();
}

/** Walks to a tile by a click on the minimap. */
export async function goTo(person, x, y) {
  const { page } = person;
  const map = page.locator("canvas.minimap");
  // Where there is no room, the map is opened.
  if ((await map.count()) === 0)
    await page.getByRole("button", { name: "Map", exact: true }).click();
  const { width, height } = (await person.figures()).size;
  // Clicks are measured from the inner edge of the frame.
  const drawn = await map.evaluate((map) => ({ width: map.clientWidth, height: map.clientHeight }));
  const position = { x: ((x + 0.5) / width) * drawn.width, y: ((y + 0.5) / height) * drawn.height };
  await map.click({ position });
  await person.until(
    ({ x, y }) => {
      const { body } = globalThis.__plaza();
      return Math.floor(body.x / 64) === x && Math.floor(body.y / 64) === y;
    },
    { x, y },
  );
}

/** Direct connections close when both sides get all they need through the SFU or LiveKit. */
export async function untilOneConnection(page) {
  const isOne = () =>
    globalThis
      .__plaza()
      .connections()
      .then((all) => all.length === 1);
  await page.waitForFunction(isOne, undefined, { polling: 200 });
}
