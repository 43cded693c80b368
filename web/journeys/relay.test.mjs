/**
 * Relay: people who hide their addresses, or cannot reach each other, talk through a TURN server.
 */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTurn } from "../../scripts/cluster.mjs";
import { DEVICES, openBrowser, Server } from "./plaza.mjs";
import { agree, arrive, bring, makeSpace, walkUp } from "./talking.mjs";

let folder;
let turn;
let server;
let browser;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "plaza-turn-"));
  turn = await startTurn(folder);
  server = await Server.start({
    more: ["--turn-url", turn.url, "--turn-secret", turn.secret, "--relay-only"],
  });
  browser = await openBrowser(DEVICES);
});

after(async () => {
  await browser?.close();
  await server?.stop();
  turn?.child.kill("SIGTERM");
  if (folder) await rm(folder, { recursive: true, force: true });
});

test("two people see each other through the relay, and in no other way", async () => {
  const ada = await arrive(browser, server, undefined, "Ada");
  const link = await makeSpace(ada, "Far apart", /Office/);
  const bo = await bring(browser, server, link, "Bo");
  await walkUp(bo, "Ada");
  await agree(ada, "camera");
  await bo.page.waitForFunction(
    () => document.querySelector(".tile.camera:not(.mine) video")?.currentTime > 0,
  );
  for (const { page, complaints } of [ada, bo]) {
    const [stats] = await page.evaluate(() => globalThis.__plaza().connections());
    const byId = new Map(stats.map((entry) => [entry.id, entry]));
    const used = stats.filter(
      ({ type, nominated, state }) =>
        type === "candidate-pair" && nominated && state === "succeeded",
    );
    assert.ok(used.length > 0, "a candidate pair was chosen");
    for (const pair of used) assert.equal(byId.get(pair.localCandidateId).candidateType, "relay");
    assert.deepEqual(complaints, []);
  }
});
