/**
 * Insecure: the page is served over plain http under a name that is not this machine's, and below a
 * path of a proxy that strips it.
 */

import assert from "node:assert/strict";
import http from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { openBrowser, Person, Server } from "./plaza.mjs";
import { arrive, makeSpace, WINDOW } from "./talking.mjs";

let server;
let browser;
let proxy;

before(async () => {
  server = await Server.start();
  proxy = await below(server.address, "/tools/plaza");
  // Names that browsers do not treat as loopback.
  browser = await openBrowser(["--host-resolver-rules=MAP plaza.test 127.0.0.1"]);
});

after(async () => {
  await browser?.close();
  proxy?.closeAllConnections();
  proxy?.close();
  await server?.stop();
});

/** A proxy that serves the server below a path, strips the path, and serves nothing else. */
async function below(address, path) {
  const to = new URL(address);
  const proxy = http.createServer((question, answer) => {
    if (!question.url.startsWith(`${path}/`)) {
      answer.writeHead(404);
      answer.end("something else lives here");
      proxy.strays.push(question.url);
      return;
    }
    const { method, headers } = question;
    const asked = {
      host: to.hostname,
      port: to.port,
      path: question.url.slice(path.length),
      method,
      headers,
    };
    const passed = http.request(asked, (from) => {
      answer.writeHead(from.statusCode, from.headers);
      from.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    question.pipe(passed);
  });
  proxy.strays = [];
  proxy.on("upgrade", (question, near) => {
    if (!question.url.startsWith(`${path}/`)) return near.destroy();
    const far = connect({ host: to.hostname, port: Number(to.port) }, () => {
      const head = Object.entries(question.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      far.write(`GET ${question.url.slice(path.length)} HTTP/1.1\r\n${head.join("")}\r\n`);
      near.pipe(far).pipe(near);
    });
    for (const socket of [near, far])
      socket.on("error", () => [near, far].map((one) => one.destroy()));
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return proxy;
}

test("over plain http the page works; microphone and camera say that they need https", async () => {
  const { port } = new URL(server.address);
  const person = await arrive(browser, { address: `http://plaza.test:${port}` }, undefined, "Ada");
  const { page } = person;
  assert.equal(await page.evaluate(() => isSecureContext), false);
  await page.locator(".space-card canvas[data-drawn]").first().waitFor();
  await page.getByRole("button", { name: "Copy the link to Plaza" }).click();
  await page.getByText("The link to Plaza is copied.").first().waitFor();
  await makeSpace(person, "Plain", /Office/);
  await person.say("Hello over plain http");
  await page.getByRole("log").getByText("Hello over plain http").waitFor();
  for (const name of ["Microphone off (M)", "Camera off (V)", "Share a screen", "Devices"]) {
    await page.getByRole("button", { name }).click();
    const dialog = page.getByRole("dialog", { name: "Microphone and camera need https" });
    await dialog.getByText("https address").waitFor();
    await dialog.getByRole("button", { name: "All right" }).click();
  }
  await person.shot("insecure");
  assert.deepEqual(person.complaints, []);
  await person.context.close();
});

test("below a path everything works without a setting, with no request outside of it", async () => {
  const home = `http://127.0.0.1:${proxy.address().port}/tools/plaza`;
  const person = await Person.sit(browser, { address: home }, WINDOW);
  const { page } = person;
  await page.goto(`${home}/`);
  await person.signUp("Bo");
  await person.choose("Maya");
  await page.locator(".space-card canvas[data-drawn]").first().waitFor();
  assert.equal(new URL(page.url()).pathname, "/tools/plaza/");
  await page.getByRole("link", { name: "Join Plaza" }).click();
  await page.waitForURL(/\/tools\/plaza\/s\//);
  await person.arrive();
  // A deep address, loaded directly.
  await page.goto(`${page.url()}?debug`);
  await person.arrive();
  await person.say("Hello from below");
  await page.getByRole("log").getByText("Hello from below").waitFor();
  await person.shot("below-a-path");
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByRole("heading", { name: "Where to?" }).waitFor();
  await page.getByRole("link", { name: "Change your avatar" }).click();
  await page.getByRole("radio").first().waitFor();
  assert.equal(new URL(page.url()).pathname, "/tools/plaza/avatar");
  // The pages of the API documentation.
  await page.goto(`${home}/api/docs`);
  await page.getByRole("heading", { name: /^Plaza/ }).waitFor();
  assert.deepEqual(proxy.strays, []);
  assert.deepEqual(person.complaints, []);
  await person.context.close();
});
