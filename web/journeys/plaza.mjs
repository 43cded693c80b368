/** Plaza: a real server and real browsers for the journeys. */

import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, watch } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);
/** Checks the page for accessibility faults. */
const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

export const BINARY =
  process.env.PLAZA_BINARY ?? fileURLToPath(new URL("../../target/debug/plaza", import.meta.url));
const SHOTS = fileURLToPath(new URL("../../artefacts/screens/", import.meta.url));

export const DESKTOP = { viewport: { width: 1440, height: 900 } };
export const PHONE = {
  viewport: { width: 390, height: 844 },
  hasTouch: true,
  isMobile: true,
  deviceScaleFactor: 2,
};

/** Waits until a file is written in a folder. */
function changed(folder) {
  return new Promise((resolve) => {
    const watcher = watch(folder, () => {
      watcher.close();
      resolve();
    });
  });
}

/** A server with its own folder; `address` is where it listens. */
export class Server {
  static async start({ folder, more = [] } = {}) {
    const server = new Server();
    server.more = more;
    server.folder = folder ?? (await mkdtemp(join(tmpdir(), "plaza-")));
    await server.run("127.0.0.1:0");
    return server;
  }

  /** Starts the process; the address is read from its output. */
  async run(listen) {
    const options = ["serve", "--no-guardian", "--listen", listen, "--data-dir", this.folder];
    options.push("--auth-rate", "0", "--log", "warn", ...this.more);
    this.process = spawn(BINARY, options, { stdio: ["ignore", "pipe", "inherit"] });
    this.ended = new Promise((resolve) =>
      this.process.once("exit", (code, signal) => resolve(code ?? signal)),
    );
    const lines = createInterface({ input: this.process.stdout });
    this.address = await new Promise((resolve, reject) => {
      lines.on("line", (line) => {
        const address = /Plaza is open: (\S+?)\/?$/.exec(line)?.[1];
        if (address) resolve(address);
        this.setup = /\S+\/setup\?token=\S+/.exec(line)?.[0] ?? this.setup;
      });
      this.ended.then((how) => reject(new Error(`the server ended with ${how}`)));
    });
  }

  /** Waits until the data folder has a checkpoint of the space that is at least that late. */
  async untilKept(space, tick) {
    for (;;) {
      const query = `select tick from checkpoints where space_id = '${space}'`;
      const { stdout } = await run("sqlite3", [join(this.folder, "plaza.db"), query]);
      if (Number(stdout) >= tick) return;
      await changed(this.folder);
    }
  }

  /** Kills the process, as a power cut would. */
  async kill() {
    this.process.kill("SIGKILL");
    await this.ended;
  }

  /** Starts again at the same address with the same folder. */
  async restart() {
    await this.run(new URL(this.address).host);
  }

  async stop() {
    this.process.kill("SIGTERM");
    const how = await this.ended;
    await rm(this.folder, { recursive: true, force: true });
    return how;
  }
}

/**
 * Starts a browser with a fake camera and microphone: a counting picture, and a beep every second.
 */
export const DEVICES = [
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  "--allow-loopback-in-peer-connection",
  "--disable-features=WebRtcHideLocalIpsWithMdns",
  "--auto-select-desktop-capture-source=Entire screen",
  "--autoplay-policy=no-user-gesture-required",
];

export async function openBrowser(more = []) {
  const executablePath =
    process.env.CHROMIUM ?? ["/usr/bin/chromium"].find((path) => existsSync(path));
  if (!executablePath)
    throw new Error("no Chromium: install Debian's package or set CHROMIUM to its path");
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--use-gl=angle",
      "--use-angle=swiftshader",
      "--enable-unsafe-swiftshader",
      "--disable-backgrounding-occluded-windows",
      "--disable-renderer-backgrounding",
      ...more,
    ],
  });
}

/**
 * A server and a browser for the tests of a file: started before the first test, stopped after the
 * last.
 */
export function startJourney() {
  const journey = { sit: (options) => Person.sit(journey.browser, journey.server, options) };
  before(async () => {
    journey.server = await Server.start();
    journey.browser = await openBrowser();
  });
  after(async () => {
    await journey.browser?.close();
    await journey.server?.stop();
  });
  return journey;
}

/** A person at their own browser; errors of the page are recorded. */
export class Person {
  static async sit(browser, server, options = DESKTOP) {
    const person = new Person();
    person.server = server;
    person.context = await browser.newContext({ baseURL: server.address, ...options });
    person.page = await person.context.newPage();
    person.complaints = [];
    person.page.on("pageerror", (error) => person.complaints.push(error.message));
    // Use less while writing a journey: PATIENCE=10000.
    person.page.setDefaultTimeout(Number(process.env.PATIENCE ?? 120_000));
    return person;
  }

  async signUp(name, password = "correct horse") {
    const { page } = this;
    // At the link to a space, an account is the other way in.
    const account = page.getByRole("link", { name: /^(I have an account|Sign in or sign up)$/ });
    await page.getByLabel("Password").or(account).first().waitFor();
    if (await account.isVisible()) await account.click();
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Sign up", exact: true }).click();
    await page.getByRole("heading", { name: "Who will you be?" }).waitFor();
  }

  /** Picks an avatar and continues. */
  async choose(avatar) {
    await this.page.getByRole("radio", { name: avatar }).click();
    await this.page.getByRole("button", { name: "Looks good" }).click();
  }

  /** Waits until the space is loaded and the own player is in it. */
  async arrive() {
    await this.page.locator(".minimap").waitFor();
    await this.page.locator(".curtain").waitFor({ state: "detached" });
    if (this.page.url().includes("?debug"))
      await this.until(() => typeof globalThis.__plaza === "function");
  }

  /** The page's state, as it exposes it to tests. */
  figures() {
    return this.page.evaluate(() => globalThis.__plaza());
  }

  /** Waits until the page's state passes a test. */
  async until(test, argument) {
    await this.page.waitForFunction(test, argument, { polling: 50 });
  }

  /**
   * Watches for something that is shown for a few seconds only, from now on; returns a function
   * that waits until it appeared. Looking for it later could miss it.
   */
  async watchFor(selector, text) {
    const isThere = await this.page.evaluateHandle(
      ({ selector, text }) => {
        let isThere = false;
        const look = () => {
          isThere ||= [...document.querySelectorAll(selector)].some(({ textContent }) =>
            textContent.includes(text),
          );
          if (isThere) observer.disconnect();
        };
        const observer = new MutationObserver(look);
        observer.observe(document.body, { childList: true, subtree: true });
        look();
        return () => isThere;
      },
      { selector, text },
    );
    return () => this.until((isThere) => isThere(), isThere);
  }

  /** Holds keys until the page says that the player has moved that far, or stands. */
  async hold(keys, test, argument) {
    await this.page.locator(".world").focus();
    for (const key of keys) await this.page.keyboard.down(key);
    try {
      await this.until(test, argument);
    } finally {
      for (const key of keys) await this.page.keyboard.up(key);
    }
  }

  /**
   * Checks the current screen for accessibility faults; every screen of which a screenshot is taken
   * is checked.
   */
  async inspect(name) {
    const { page } = this;
    // Every screen has a main heading; before it is there, the page has not drawn its first screen.
    await page.locator("h1").first().waitFor({ state: "attached" });
    if (!(await page.evaluate(() => "axe" in globalThis)))
      await page.evaluate(await readFile(AXE, "utf8"));
    const found = await page.evaluate(async () => {
      // Animated elements are checked once the animation has ended.
      const moving = document
        .getAnimations()
        .filter(({ effect }) => effect?.getComputedTiming().iterations !== Infinity);
      await Promise.all(moving.map((animation) => animation.finished.catch(() => {})));
      const rules = {
        "label-content-name-mismatch": { enabled: true },
        // Forced colours are the system's own.
        "color-contrast": { enabled: !matchMedia("(forced-colors: active)").matches },
      };
      const { violations } = await globalThis.axe.run(document, {
        rules,
        resultTypes: ["violations"],
        iframes: false,
      });
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(" | ")}`,
      );
    });
    assert.deepEqual(found, [], `axe finds something on “${name}”`);
  }

  async say(text) {
    await this.page.locator(".world").focus();
    await this.page.keyboard.press("Enter");
    await this.page.getByLabel("Message to everybody here").fill(text);
    await this.page.keyboard.press("Enter");
  }

  /**
   * Takes a screenshot. A browser that draws in software sometimes has no frame yet, so it is tried
   * again after the next frame. Journeys judge by the page's state, so a missing screenshot is
   * reported and fails nothing.
   */
  async shot(name) {
    await this.inspect(name);
    await mkdir(SHOTS, { recursive: true });
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.page.screenshot({ path: join(SHOTS, `${name}.png`) });
      } catch (error) {
        if (attempt === 5) return console.warn(`no picture of ${name}: ${error.message}`);
        await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
      }
    }
  }
}

/** Posts JSON to the API of a server; returns the answer. Fails on a refusal. */
export async function post({ address }, path, body, token) {
  const headers = {
    "content-type": "application/json",
    ...(token && { authorization: `Bearer ${token}` }),
  };
  const answer = await fetch(`${address}/api/v1/${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
