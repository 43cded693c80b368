/**
 * LiveKit: five people are too many for direct connections, and a LiveKit server carries their
 * media. The server is a stand-in (`livekit.mjs`); the client library is the real one. Two of the
 * five have browsers; the other three are connected, hear and are heard, and send nothing.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { LiveKitServer } from "./livekit.mjs";
import { DEVICES, openBrowser, post, Server } from "./plaza.mjs";
import { agree, arrive, bring, makeSpace, untilOneConnection, walkUp } from "./talking.mjs";

/** Small phones: browsers draw without a graphics card, and one of them also carries the calls. */
const SMALL = { viewport: { width: 390, height: 520 }, hasTouch: true, isMobile: true };
/** Source name of a camera track. */
const CAMERA = 1;

let live;
let server;
let browser;
let space;
let ada;
let bo;
/** The people without a browser, by name. */
const others = new Map();

/** Joins a person without a browser, at the spawn. */
async function join(name) {
  const account = { username: name, password: "correct horse", type: "user" };
  const { userId } = await post(server, "signup", account);
  const { token } = await post(server, "signin", account);
  const socket = new WebSocket(`${server.address.replace("http", "ws")}/ws`);
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  socket.send(JSON.stringify({ type: "join", payload: { spaceId: space, token } }));
  await new Promise((resolve) => socket.once("message", resolve));
  others.set(name, { user: userId, socket });
}

/** The users that a person lets have a track right now. */
function permitted(name, track) {
  const { isForAll, permissions } = live.named(name).permission;
  assert.equal(isForAll, false);
  const may = permissions.filter(
    ({ allTracks, trackSids }) => allTracks || trackSids.includes(track),
  );
  return may.map(({ participantIdentity }) => participantIdentity).sort();
}

/** A person's track of that kind. */
function sent(name, isOfKind) {
  const all = [...(live.named(name)?.tracks.values() ?? [])];
  return all.map(({ info }) => info).findLast(({ source }) => isOfKind(source))?.sid;
}
const voice = (name) => sent(name, (source) => source !== CAMERA);
const camera = (name) => sent(name, (source) => source === CAMERA);
const identity = (name) => live.named(name)?.identity ?? others.get(name)?.user;
const identities = (...names) => names.map(identity).sort();
const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** The two with browsers hear each other, directly or through a server. */
async function untilBothHear(isForwarded) {
  const hears = (wanted) =>
    globalThis
      .__plaza()
      .calls.some(
        ({ level, isForwarded, state }) =>
          level > 0.01 && state === "connected" && isForwarded === wanted,
      );
  await Promise.all([ada, bo].map((person) => person.until(hears, isForwarded)));
}

/**
 * Everyone who joined first forbade access to the tracks they were about to send, and never allowed
 * it to all.
 */
function assertCare(participants) {
  for (const { log, name } of participants) {
    const said = log.filter(
      ({ isForAll, published }) => isForAll !== undefined || published !== undefined,
    );
    assert.equal(said[0]?.isForAll, false, `${name} begins with a ban`);
    const sent = said.flatMap(({ published }) => published ?? []);
    // After a restart the library repeats earlier permissions, for tracks that no longer exist.
    assert.ok(
      said[0].permissions.every(({ trackSids }) =>
        trackSids.every((track) => !sent.includes(track)),
      ),
    );
    assert.ok(said.every(({ isForAll }) => isForAll !== true));
  }
}

before(async () => {
  browser = await openBrowser(DEVICES);
  live = await LiveKitServer.start(browser);
  const more = [
    "--livekit-url",
    live.url,
    "--livekit-key",
    live.key,
    "--livekit-secret",
    live.secret,
  ];
  server = await Server.start({ more });
  // The server is down at first.
  await live.stop();
  ada = await arrive(browser, server, undefined, "Ada", SMALL);
  const link = await makeSpace(ada, "LiveKit", /Office/);
  space = link.split("/").at(-1);
  bo = await bring(browser, server, link, "Bo", SMALL);
});

after(async () => {
  for (const { socket } of others.values()) socket.terminate();
  await browser?.close();
  await live?.stop();
  await server?.stop();
});

test("while the server is down people stay connected directly, and are told", async () => {
  for (const person of [ada, bo]) await agree(person, "microphone");
  await walkUp(bo, "Ada");
  await untilBothHear(false);
  const told = ada.page
    .getByText("The server for calls of more than four cannot be reached.")
    .waitFor();
  for (const name of ["Cleo", "Dan", "Eve"]) await join(name);
  await told;
  await ada.shot("livekit-down");
  for (const person of [ada, bo]) await person.until(() => globalThis.__plaza().calls.length === 4);
  await untilBothHear(false);
  assert.equal(live.all.length, 0);
});

test("once it is up they hear each other through it, each with their own token", async () => {
  await live.listen();
  await untilBothHear(true);
  await ada.shot("livekit");
  assert.equal(live.refused, 0, "every token was good");
  const rooms = [...live.people].map(({ name, room }) => `${name} in ${room}`);
  assert.deepEqual(rooms.sort(), [`Ada in ${space}`, `Bo in ${space}`]);
  for (const { page } of [ada, bo]) {
    const id = await page.evaluate(async () => {
      const headers = { authorization: `Bearer ${localStorage.getItem("plaza.token")}` };
      return (await (await fetch("/api/v1/me", { headers })).json()).userId;
    });
    assert.ok([...live.people].some((participant) => participant.identity === id));
    await untilOneConnection(page);
  }
});

test("no one may receive a track before it is sent, and then exactly those who hear it", async () => {
  assertCare(live.all);
  await live.until(() =>
    isSame(permitted("Ada", voice("Ada")), identities("Bo", "Cleo", "Dan", "Eve")),
  );
  await live.until(() =>
    isSame(permitted("Bo", voice("Bo")), identities("Ada", "Cleo", "Dan", "Eve")),
  );
  assert.deepEqual([...live.named("Ada").wishes], [voice("Bo")]);
  others.get("Eve").socket.close();
  await live.until(() => isSame(permitted("Ada", voice("Ada")), identities("Bo", "Cleo", "Dan")));
  await live.until(() => isSame(permitted("Bo", voice("Bo")), identities("Ada", "Cleo", "Dan")));
});

test("a camera goes to those who see it, coarse until it is shown large", async () => {
  await ada.page.getByRole("button", { name: "Camera off (V)" }).click();
  await bo.page.waitForFunction(
    () => document.querySelector(".tile.camera:not(.mine) video")?.currentTime > 0,
  );
  await live.until(() => permitted("Ada", camera("Ada")).includes(identity("Bo")));
  const quality = () =>
    live.named("Bo").log.findLast(({ shown }) => shown?.trackSids.includes(camera("Ada")))?.shown
      .quality;
  await live.until(() => quality() === 0);
  await bo.page.getByRole("button", { name: "Make Ada large" }).click();
  await live.until(() => quality() === 2);
  await bo.shot("livekit-picture");
  await bo.page.getByRole("button", { name: "Make Ada small" }).click();
  await ada.page.getByRole("button", { name: "Camera on (V)" }).click();
  await live.until(() => camera("Ada") === undefined);
});

test("after a restart of the LiveKit server both are back, with the same permissions", async () => {
  const before = live.all.length;
  await live.stop();
  await live.listen();
  await live.until(() => live.named("Ada") && live.named("Bo"));
  await untilBothHear(true);
  assertCare(live.all.slice(before));
  await live.until(() => isSame(permitted("Ada", voice("Ada")), identities("Bo", "Cleo", "Dan")));
});

test("a person who must not be disturbed loses all permissions and leaves the room", async () => {
  const user = identity("Bo");
  await bo.page.getByRole("button", { name: /^People/ }).click();
  await bo.page.getByLabel("Your status").selectOption("Do not disturb");
  await live.until(() => !permitted("Ada", voice("Ada")).includes(user));
  await live.until(() => !live.named("Bo"));
  assert.deepEqual(live.failures, []);
  for (const { complaints } of [ada, bo]) assert.deepEqual(complaints, []);
});
