/**
 * Failover: two people continue to walk and chat while the process that runs their space is killed.
 */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startCluster } from "../../../scripts/cluster.mjs";
import { BINARY, openBrowser, Person } from "../plaza.mjs";

const STATE = fileURLToPath(new URL("../../../artefacts/cluster.json", import.meta.url));

let cluster;
let browser;
let ada;
let bo;
let root;
let space;

before(async () => {
  const more = ["--auth-rate", "0", "--log", "warn", "--open-admin-signup"];
  cluster = await startCluster({ binary: BINARY, state: STATE, isGuarded: false, more });
  browser = await openBrowser();
  ada = await Person.sit(browser, { address: cluster.url });
  bo = await Person.sit(browser, { address: cluster.url });
});

after(async () => {
  await browser?.close();
  await cluster?.stop();
  assert.ok(!cluster || !existsSync(cluster.folder), "no files are left behind");
});

/** Sends a message as one person, and waits until both have it. */
async function say(person, text) {
  await person.say(text);
  for (const { page } of [ada, bo]) await page.getByRole("log").getByText(text).waitFor();
}

/** Walks a person two tiles to the free side, and waits until the other sees it too. */
async function walk(person, other) {
  const { me, body } = await person.figures();
  const key = body.x > 24 * 64 ? "ArrowLeft" : "ArrowRight";
  await person.hold([key], (from) => Math.abs(globalThis.__plaza().body.x - from) > 2 * 64, body.x);
  await person.until(() => globalThis.__plaza().pending === 0);
  const { body: there } = await person.figures();
  await other.until(
    ({ me, x }) => globalThis.__plaza().walkers.find(({ player }) => player === me)?.x === x,
    {
      me,
      x: there.x,
    },
  );
}

/** The process that runs the space; waits until it differs from `before`. */
async function home(before = null) {
  const known = await ada.page.waitForFunction(
    async ({ space, before }) => {
      const headers = { authorization: `Bearer ${localStorage.getItem("plaza.token")}` };
      const answer = await fetch(`/api/v1/space/${space}/server`, { headers });
      // An error says nothing about the space.
      const { node } = answer.ok ? await answer.json() : {};
      return node !== before && node;
    },
    { space, before },
    // Processes publish once a second what they run.
    { polling: 500 },
  );
  return known.jsonValue();
}

test("two people meet through the balancer", async () => {
  await ada.page.goto("/");
  await ada.signUp("Ada");
  await ada.choose("Leila");
  await ada.page.getByRole("button", { name: "New space" }).click();
  await ada.page.getByLabel("Name", { exact: true }).fill("Unkillable");
  await ada.page.getByRole("radio", { name: /Office/ }).check({ force: true });
  await ada.page.getByRole("button", { name: "Create and enter" }).click();
  await ada.page.waitForURL(/\/s\//);
  const link = new URL(ada.page.url()).pathname;
  space = link.split("/").pop();
  await ada.page.goto(`${link}?debug`);
  await ada.arrive();
  await bo.page.goto(`${link}?debug`);
  await bo.signUp("Bo");
  await bo.choose("Jonas");
  await bo.page.waitForURL(new RegExp(link));
  if (!bo.page.url().includes("debug")) await bo.page.goto(`${link}?debug`);
  await bo.arrive();
  for (const person of [ada, bo])
    await person.until(() => globalThis.__plaza?.().walkers.length === 2);
  await say(ada, "Before it happens");
  await walk(bo, ada);
  await ada.shot("failover-before");
});

test("an admin moves their space to another process, and empties one", async () => {
  const account = { username: "root", password: "correct horse", type: "admin" };
  const post = async (path, body) => {
    const headers = { "content-type": "application/json" };
    return (
      await fetch(`${cluster.url}/api/v1${path}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      })
    ).json();
  };
  await post("/signup", account);
  const { token } = await post("/signin", account);
  root = await Person.sit(browser, { address: cluster.url });
  const { page } = root;
  await page.goto("/");
  await page.evaluate((token) => localStorage.setItem("plaza.token", token), token);
  await page.goto("/admin");
  for (const { name } of cluster.nodes)
    await page.getByRole("region", { name, exact: true }).waitFor();
  const row = page.getByRole("row").filter({ hasText: "Unkillable" });
  await row.waitFor();
  const from = await row.getByRole("cell").first().textContent();
  const [to, third] = cluster.nodes.map(({ name }) => name).filter((name) => name !== from);
  const before = await Promise.all([ada.figures(), bo.figures()]);
  await page.getByRole("button", { name: `Move Unkillable to ${to}` }).click();
  await row.getByRole("cell", { name: to, exact: true }).first().waitFor();
  for (const [index, person] of [ada, bo].entries()) {
    await person.until((epoch) => globalThis.__plaza().epoch > epoch, before[index].epoch);
  }
  const after = await Promise.all([ada.figures(), bo.figures()]);
  for (const index of [0, 1]) {
    assert.equal(after[index].status, "open");
    assert.deepEqual(
      [after[index].body.x, after[index].body.y],
      [before[index].body.x, before[index].body.y],
    );
  }
  await walk(ada, bo);
  await say(bo, "Did anything happen?");
  await root.shot("processes");
  await page.getByRole("button", { name: `Empty ${third}` }).click();
  await page.getByRole("button", { name: "Empty it" }).click();
  await page.getByRole("button", { name: `Let ${third} take spaces` }).click();
  await page.getByRole("button", { name: `Empty ${third}` }).waitFor();
});

test("they continue when the process that runs their space is killed", async () => {
  const doomed = await home();
  const places = await Promise.all([ada.figures(), bo.figures()]);
  await cluster.kill(doomed);
  await ada.shot("failover-during");
  // Sent while no process runs the space, perhaps without a connection: it waits, and arrives.
  await ada.say("Is anyone there?");
  for (const person of [ada, bo]) {
    await person.until(
      (epoch) => globalThis.__plaza().epoch > epoch && globalThis.__plaza().status === "open",
      places[0].epoch,
    );
    await person.until(() => globalThis.__plaza().walkers.length === 2);
  }
  const after = await Promise.all([ada.figures(), bo.figures()]);
  for (const index of [0, 1]) {
    assert.deepEqual(
      [after[index].body.x, after[index].body.y],
      [places[index].body.x, places[index].body.y],
    );
  }
  await home(doomed);
  await bo.page.getByRole("log").getByText("Is anyone there?").waitFor();
  await say(bo, "I am");
  await walk(ada, bo);
  await walk(bo, ada);
  await ada.shot("failover-after");
  for (const { page } of [ada, bo]) {
    for (const line of ["Before it happens", "Is anyone there?", "I am"]) {
      assert.equal(await page.getByRole("log").getByText(line).count(), 1, line);
    }
  }
  await cluster.restart(doomed);
});

test("no page complained", () => {
  assert.deepEqual([...ada.complaints, ...bo.complaints, ...root.complaints], []);
});
