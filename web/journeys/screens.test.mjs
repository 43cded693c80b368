/** Screens: on a phone, by keyboard alone, in the dark, at the first start, and with a crowd. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { BINARY, Person, PHONE, Server, startJourney } from "./plaza.mjs";
import { arrive, makeSpace } from "./talking.mjs";

const run = promisify(execFile);
const journey = startJourney();

async function tile(person) {
  const { body } = await person.figures();
  return { x: Math.floor(body.x / 64), y: Math.floor(body.y / 64) };
}

test("the printed link makes the first admin, once", async () => {
  const owner = await journey.sit();
  const { page } = owner;
  assert.ok(journey.server.setup, "the link was printed");
  await page.goto(journey.server.setup);
  await page.getByLabel("Your name").waitFor();
  assert.equal(new URL(page.url()).search, "", "the token has left the address bar");
  await page.getByLabel("Your name").fill("Owner");
  await page.getByLabel("Password").fill("password1");
  await page.getByRole("button", { name: "Become the admin" }).click();
  await page.getByRole("alert").getByText("first that are guessed").waitFor();
  await page.getByLabel("Password").fill("very secret");
  await owner.shot("setup");
  await page.getByRole("button", { name: "Become the admin" }).click();
  await page.getByRole("heading", { name: "Who will you be?" }).waitFor();
  // A picture that the admin uploads becomes an avatar that everyone can choose.
  await page.getByText("Add a picture of your own").click();
  const pixel =
    "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAYAAAAf8/9hAAAAGUlEQVR42mM4neX9nxLMMGrAqAGjBgwXAwAJnn8fDNbIcAAAAABJRU5ErkJggg==";
  await page.getByLabel(/^Picture/).setInputFiles({
    name: "square.png",
    mimeType: "image/png",
    buffer: Buffer.from(pixel, "base64"),
  });
  await page.getByRole("button", { name: "Add it" }).click();
  await page.getByRole("radio", { name: "square", checked: true }).waitFor();
  await page.getByText("My pictures on this server").click();
  await page.getByRole("list", { name: "My pictures" }).getByText("In 1 avatar").waitFor();
  await owner.shot("avatar-added");
  await page.goto(journey.server.setup);
  await page.getByRole("alert").getByText("no longer good").waitFor();
  await page.getByText("plaza admin create NAME").waitFor();
  await owner.shot("setup-no-longer-good");
  await owner.context.close();
});

test("on a phone: sign up, join, tap to walk, chat, nothing wider than the screen", async () => {
  const person = await journey.sit(PHONE);
  const { page } = person;
  const fits = async (screen) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${screen} is ${wide} px too wide`);
    await person.shot(`phone-${screen}`);
  };
  await page.goto("/");
  await page.getByRole("heading", { level: 1 }).waitFor();
  await fits("sign");
  await person.signUp("Pia");
  await fits("avatar");
  await person.choose("Nora");
  await page.locator(".space-card canvas[data-drawn]").first().waitFor();
  await fits("lobby");
  await page.getByRole("button", { name: "New space" }).click();
  await page.locator("dialog canvas[data-drawn]").nth(2).waitFor();
  await fits("create");
  await page.getByRole("button", { name: "Close" }).click();
  const link = await page.getByRole("link", { name: "Join Plaza" }).getAttribute("href");
  await page.goto(`${link}?debug`);
  await person.arrive();
  await fits("space");

  const from = await tile(person);
  const world = await page.locator(".world").boundingBox();
  await page.touchscreen.tap(world.x + world.width / 2, world.y + world.height / 2 + 90);
  await person.until(() => globalThis.__plaza().walking);
  await person.until(() => !globalThis.__plaza().walking);
  const to = await tile(person);
  assert.ok(to.y > from.y, `walked from ${from.y} down to ${to.y}`);

  await page.getByRole("button", { name: "Chat", exact: true }).click();
  await page.getByLabel("Message to everybody here").fill("Hello from the phone");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("log").getByText("Hello from the phone").waitFor();
  await fits("chat");
  await page.getByRole("button", { name: "Close chat" }).click();
  await page.getByRole("button", { name: /^People/ }).click();
  await fits("people");
  assert.deepEqual(person.complaints, []);
  await person.context.close();
});

test("by keyboard alone: sign up, choose, join, walk, speak, leave", async () => {
  const person = await journey.sit();
  const { page } = person;
  const { keyboard } = page;
  const reach = async (name) => {
    for (let presses = 0; presses < 40; presses++) {
      await keyboard.press("Tab");
      const focused = await page.evaluate(() => {
        const element = document.activeElement;
        return element?.getAttribute("aria-label") ?? element?.textContent ?? "";
      });
      if (focused.startsWith(name)) return;
    }
    assert.fail(`Tab never reaches “${name}”`);
  };
  await page.goto("/");
  await page.getByLabel("Name", { exact: true }).waitFor();
  await page.waitForFunction(() => document.activeElement?.id === "name");
  await keyboard.type("Kay");
  await keyboard.press("Tab");
  await keyboard.type("secret words");
  await keyboard.press("Enter");
  await page.getByRole("radio").first().waitFor();
  await reach("Maya");
  await keyboard.press("ArrowRight");
  assert.equal(
    await page.getByRole("radio", { name: "Jonas" }).getAttribute("aria-checked"),
    "true",
  );
  await reach("Looks good");
  await keyboard.press("Enter");
  await page.getByRole("link", { name: "Join Plaza" }).waitFor();
  await reach("Join Plaza");
  await keyboard.press("Enter");
  await page.waitForURL(/\/s\//);
  await page.goto(`${page.url()}?debug`);
  await person.arrive();
  await reach("The space.");
  const from = (await person.figures()).body.x;
  await keyboard.down("d");
  await person.until((x) => globalThis.__plaza().body.x > x + 64, from);
  await keyboard.up("d");
  await keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement instanceof HTMLTextAreaElement);
  await keyboard.type("No mouse needed");
  await keyboard.press("Enter");
  await page.getByRole("log").getByText("No mouse needed").waitFor();
  await keyboard.press("Escape");
  const emote = await person.watchFor(".emote", "❤️");
  await keyboard.press("2");
  await emote();
  await reach("Leave");
  await keyboard.press("Enter");
  await page.getByRole("heading", { name: "Where to?" }).waitFor();
  await person.context.close();
});

test("an invite link lets one person sign up, and says when it is used up", async () => {
  const invited = await Server.start({ more: ["--signup", "invite"] });
  const asked = [
    "admin",
    "invite",
    "--uses",
    "1",
    "--data-dir",
    invited.folder,
    "--url",
    invited.address,
  ];
  const link = (await run(BINARY, asked)).stdout.split("\n")[0];
  const stranger = await Person.sit(journey.browser, invited);
  await stranger.page.goto("/");
  await stranger.page.getByRole("button", { name: "Sign up instead" }).click();
  await stranger.page.getByText("needs an invite").waitFor();
  await stranger.shot("sign-up-needs-invite");

  const guest = await Person.sit(journey.browser, invited, PHONE);
  const { page } = guest;
  await page.goto(link);
  await page.getByRole("heading", { name: "You are invited" }).waitFor();
  await page.getByText(/for one person/).waitFor();
  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Show" }).click();
  assert.equal(await page.getByLabel("Password").getAttribute("type"), "text");
  await guest.shot("phone-invited");
  await guest.signUp("Inga");
  await stranger.page.goto(link);
  await stranger.page.getByRole("alert").getByText("used up").waitFor();
  await stranger.shot("invite-used-up");

  await guest.choose("Nora");
  await page.getByRole("button", { name: "Account" }).click();
  await page.getByLabel("Current password").fill("correct horse");
  await page.getByLabel("New password").fill("password");
  await page.getByRole("button", { name: "Change it" }).click();
  await page.getByRole("alert").getByText("first that are guessed").waitFor();
  await page.getByLabel("New password").fill("battery staple");
  await page.getByRole("button", { name: "Change it" }).click();
  await page.getByText("The password is changed").waitFor();
  await guest.shot("phone-account");
  await page.getByRole("button", { name: "Sign out everywhere" }).click();
  await page.getByLabel("Name", { exact: true }).fill("INGA");
  await page.getByLabel("Password").fill("battery staple");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("heading", { name: "Where to?" }).waitFor();
  assert.deepEqual([...guest.complaints, ...stranger.complaints], []);
  await guest.context.close();
  await stranger.context.close();
  await invited.stop();
});

test("a long name of a space leaves space for the people and the buttons", async () => {
  const person = await arrive(journey.browser, journey.server, undefined, "Lou");
  const { page } = person;
  await makeSpace(person, "A very long autumn conference", /Conference/);
  await page.getByRole("button", { name: "Leave" }).click();
  const card = page.locator(".space-card").filter({ hasText: "A very long autumn conference" });
  await card.locator("canvas[data-drawn]").waitFor();
  await person.shot("long-name");
  const tooWide = await card
    .locator(".body")
    .evaluate((body) => body.scrollWidth - body.clientWidth);
  assert.equal(tooWide, 0);
  await person.context.close();
});

test("in the dark every screen is dark, and it is remembered", async () => {
  const person = await journey.sit({ viewport: { width: 1440, height: 900 }, colorScheme: "dark" });
  const { page } = person;
  await page.goto("/");
  await person.shot("dark-sign");
  await person.signUp("Noor");
  await person.choose("Theo");
  await page.locator(".space-card canvas[data-drawn]").first().waitFor();
  await person.shot("dark-lobby");
  const brightness = () =>
    page.evaluate(() =>
      Math.max(...getComputedStyle(document.body).backgroundColor.match(/\d+/g).map(Number)),
    );
  assert.ok((await brightness()) < 80);
  await page.getByRole("button", { name: "Light colours" }).click();
  assert.ok((await brightness()) > 200);
  await page.reload();
  await page.getByRole("button", { name: "Dark colours" }).waitFor();
  await person.context.close();
});

test("an unknown space and a wrong password say what to do", async () => {
  const person = await journey.sit();
  const { page } = person;
  await page.goto("/s/0197a1b2-0000-7000-8000-00000000000f");
  await page.getByRole("button", { name: "Sign in instead" }).click();
  await page.getByLabel("Name", { exact: true }).fill("Noor");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("alertdialog", { name: "There is no such space" }).waitFor();
  await person.shot("no-such-space");
  await page.getByRole("link", { name: "To the lobby" }).click();
  await page.getByRole("heading", { name: "Where to?" }).waitFor();
  await person.context.close();
});

test("a still world draws nothing, and two hundred walking people need as many draw calls as a few", async () => {
  const person = await journey.sit();
  const { page } = person;
  await page.addInitScript(() => {
    globalThis.__draws = 0;
    const { drawElements, drawArrays } = WebGL2RenderingContext.prototype;
    WebGL2RenderingContext.prototype.drawElements = function (...given) {
      globalThis.__draws++;
      return drawElements.apply(this, given);
    };
    WebGL2RenderingContext.prototype.drawArrays = function (...given) {
      globalThis.__draws++;
      return drawArrays.apply(this, given);
    };
  });
  /**
   * The most draw calls in any of ten frames that the browser asks for while the own player walks.
   */
  const draws = async () => {
    await page.locator(".world").focus();
    await page.keyboard.down("ArrowRight");
    const most = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const draws = [];
          const note = (before) => {
            const now = globalThis.__draws;
            draws.push(now - before);
            if (draws.length === 10) resolve(Math.max(...draws));
            else requestAnimationFrame(() => note(now));
          };
          requestAnimationFrame(() => note(globalThis.__draws));
        }),
    );
    await page.keyboard.up("ArrowRight");
    return most;
  };
  await page.goto("/");
  await person.signUp("Wanda");
  await person.choose("Zoe");
  const link = await page.getByRole("link", { name: "Join Plaza" }).getAttribute("href");
  await page.goto(`${link}?debug`);
  await person.arrive();
  const alone = await draws();
  await person.until(() => {
    const { __draws: draws, __last: last, __same: same = 0 } = globalThis;
    Object.assign(globalThis, { __last: draws, __same: draws === last ? same + 1 : 0 });
    return globalThis.__same === 10;
  });
  const stop = new AbortController();
  const bots = run(
    BINARY,
    [
      "bots",
      "--url",
      journey.server.address,
      "--bots",
      "200",
      "--space",
      link.split("/").pop(),
      "--behaviour",
      "crowd",
      "--for",
      "300s",
      "--ramp",
      "100/s",
    ],
    { signal: stop.signal },
  ).catch(() => {});
  page.setDefaultTimeout(120_000);
  await person.until(() => globalThis.__plaza().walkers.length > 190);
  const crowded = await draws();
  await person.shot("crowd");
  stop.abort();
  await bots;
  assert.ok(alone > 0, "a walking player is drawn");
  assert.ok(crowded <= alone + 10, `${crowded} draw calls with two hundred people, ${alone} alone`);
  assert.deepEqual(person.complaints, []);
  await person.context.close();
});

test("ctrl-c and sigterm shut the server down", async () => {
  const other = await Server.start();
  assert.equal(await other.stop(), 0);
});
