/** Faults: somebody walks behind a bad line: never do they leap, and nobody is seen to walk backwards. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";
import { Line } from "./faults.mjs";
import { openBrowser, Person, Server } from "./plaza.mjs";

/** The client's own codec and movement, to judge what the server does with what it is sent. */
const { decode } = await client("net/codec.ts");
const { step } = await client("world/movement.ts");
const { gridOf } = await client("world/map.ts");

/** Sub-tiles a second that somebody runs, and what a picture may differ from that: half a tile. */
const RUN = 512;
const LEAP = 32;
/** Times that the line is to be stuck in each direction while people walk. */
const STUCK = 2;

let server;
let line;
let browser;
let ada;
let bo;
let grid;

before(async () => {
  server = await Server.start();
  line = await Line.open(server.address, 20);
  browser = await openBrowser();
  // Small windows: pictures are drawn without a graphics card here, and more of them show more.
  const small = { viewport: { width: 640, height: 480 } };
  ada = await Person.sit(browser, line, small);
  bo = await Person.sit(browser, server, small);
  for (const person of [ada, bo]) {
    listen(person);
    person.page.setDefaultTimeout(120_000);
  }
});

after(async () => {
  await browser?.close();
  await line?.close();
  await server?.stop();
});

test("two people meet, one of them behind a bad line", async () => {
  for (const [person, name] of [
    [ada, "Ada"],
    [bo, "Bo"],
  ]) {
    const { page } = person;
    await page.goto("/");
    await person.signUp(name);
    await person.choose("Leila");
    const link = await page.getByRole("link", { name: "Join Plaza" }).getAttribute("href");
    const map = page.waitForResponse(/\/map$/);
    await page.goto(`${link}?debug`);
    grid = gridOf(await (await map).json());
    await person.arrive();
  }
  for (const person of [ada, bo]) await person.until(() => globalThis.__plaza().walkers.length === 2);
});

test("they walk, turn, run and slide along a wall: nobody leaps, nobody walks backwards", async () => {
  const { up, down } = line.stuck;
  // There, as far as a wall and along it, then back again.
  const there = [
    { keys: ["ArrowRight"], tiles: 2 },
    { keys: ["Shift", "ArrowRight"], tiles: 100 },
    { keys: ["ArrowRight", "ArrowDown"], tiles: 2 },
  ];
  const back = [
    { keys: ["ArrowLeft"], tiles: 2 },
    { keys: ["Shift", "ArrowLeft", "ArrowUp"], tiles: 2 },
    { keys: ["Shift", "ArrowLeft"], tiles: 4 },
  ];
  while (line.stuck.up - up < STUCK || line.stuck.down - down < STUCK) {
    await leg(1, 1, there, [{ keys: ["ArrowRight"], tiles: 2 }]);
    await leg(-1, -1, back, [{ keys: ["ArrowLeft"], tiles: 2 }]);
  }
});

test("a line that is stuck for long loses steps: they are taken back, and that is no leap either", async () => {
  const { body, me, corrections } = await ada.figures();
  // The way with the most room: steps against a wall would be no loss.
  const ways = [
    { keys: ["ArrowUp"], direction: 1, right: 1, down: -1 },
    { keys: ["ArrowRight"], direction: 3, right: 1, down: 1 },
    { keys: ["ArrowDown"], direction: 5, right: 1, down: 1 },
    { keys: ["ArrowLeft"], direction: 7, right: -1, down: 1 },
  ];
  const { keys, right, down } = ways.reduce((best, way) => (room(body, way) > room(body, best) ? way : best));
  await watch(ada, (await bo.figures()).me, right, down);
  await watch(bo, me, right, down);
  await ada.page.locator(".world").focus();
  for (const key of keys) await ada.page.keyboard.down(key);
  await ada.until(() => globalThis.__plaza().pending > 0);
  line.hold();
  await ada.until(() => globalThis.__plaza().pending >= 20);
  line.release();
  for (const key of keys) await ada.page.keyboard.up(key);
  await settled(ada, bo);
  assert.ok((await ada.figures()).corrections > corrections, "eight of twenty steps have room at the server");
  for (const person of [ada, bo]) await judgeWatch(person);
});

test("in the end all agree where everybody stands", async () => {
  const [hers, his] = [await ada.figures(), await bo.figures()];
  for (const [own, other] of [
    [hers, his],
    [his, hers],
  ]) {
    const place = [own.body.x, own.body.y];
    const told = (figures) => figures.walkers.filter(({ player }) => player === own.me).map(({ x, y }) => [x, y]);
    assert.deepEqual(told(own), [place], "the server says the same");
    assert.deepEqual(told(other), [place], "and so does the other page");
    assert.ok(Math.hypot(own.x - place[0], own.y - place[1]) < 1, "and it is drawn there");
  }
});

test("the server did just what it was sent, but for steps it had no room for", async () => {
  for (const person of [ada, bo]) {
    const { corrections, largest, jumps } = await person.figures();
    const { frames, dropped } = judge(person);
    const by = (largest / 64).toFixed(2);
    const story = `${frames} frames, ${dropped} steps dropped, ${corrections} corrections by ${by} tiles at most`;
    console.info(`${person === ada ? "bad" : "good"} line: ${story}`);
    assert.ok(frames > 0 && person.pictures > 0);
    assert.equal(jumps, 0);
    if (dropped === 0) assert.equal(corrections, 0, "the prediction was right all the way");
  }
  assert.deepEqual([...ada.complaints, ...bo.complaints], []);
});

/** Both walk with several sets of keys, only ever to the right or left (1 or −1) and down or up, and then all is quiet. */
async function leg(right, down, hers, his) {
  const [her, him] = [(await ada.figures()).me, (await bo.figures()).me];
  await watch(ada, him, right, down);
  await watch(bo, her, right, down);
  const walk = async (person, parts) => {
    for (const { keys, tiles } of parts) await person.hold(keys, hasGone, { tiles, ...(await beginning(person)) });
  };
  await Promise.all([walk(ada, hers), walk(bo, his)]);
  await settled(ada, bo);
  await settled(bo, ada);
  for (const person of [ada, bo]) await judgeWatch(person);
}

async function judgeWatch(person) {
  const { pictures, leap, back } = await person.page.evaluate(() => globalThis.__watch.end());
  person.pictures = (person.pictures ?? 0) + pictures;
  assert.ok(leap <= LEAP, `the own player leapt by ${leap} sub-tiles more than running takes`);
  assert.ok(back <= 0.02, `the other went back by ${back} tiles`);
}

/** How far twenty steps lead that way. */
function room(from, { direction }) {
  const body = { ...from };
  for (let count = 0; count < 20; count++) step(body, grid, direction, false, 20);
  return Math.hypot(body.x - from.x, body.y - from.y);
}

/** The tiles are gone, or twelve steps led nowhere. Runs in the page. */
function hasGone({ tiles, x, y, key }) {
  const { body, seq } = globalThis.__plaza();
  const last = globalThis.__last;
  const isNew = last?.key !== key || last.x !== body.x || last.y !== body.y;
  if (isNew) globalThis.__last = { key, x: body.x, y: body.y, seq };
  return Math.hypot(body.x - x, body.y - y) > tiles * 64 || seq - globalThis.__last.seq >= 12;
}

let holds = 0;

async function beginning(person) {
  const { body } = await person.figures();
  return { x: body.x, y: body.y, key: holds++ };
}

/** Waits until `other` is told and draws that `person` stands where their own page says. */
async function settled(person, other) {
  await person.until(() => {
    const { x, y, body, pending } = globalThis.__plaza();
    return pending === 0 && Math.hypot(x - body.x, y - body.y) < 0.5;
  });
  const { body, me } = await person.figures();
  const place = { me, x: body.x, y: body.y };
  await other.until(({ me, x, y }) => {
    const walker = globalThis.__plaza().walkers.find(({ player }) => player === me);
    return walker?.x === x && walker.y === y && Math.abs(walker.drawn.x * 64 - x) < 1;
  }, place);
}

/** Notes in every picture how far the own player came, beyond what running takes, and how far the other went back. */
async function watch(person, other, right, down) {
  await person.page.evaluate(
    ({ other, right, down, RUN }) => {
      const seen = { pictures: 0, leap: 0, back: 0 };
      let before;
      let request = requestAnimationFrame(note);
      function note() {
        request = requestAnimationFrame(note);
        const { x, y, drawnAt, walkers } = globalThis.__plaza();
        const drawn = walkers.find(({ player }) => player === other)?.drawn;
        if (!drawn || drawnAt === before?.drawnAt) return;
        if (before) {
          const room = (RUN * (drawnAt - before.drawnAt)) / 1000;
          seen.pictures++;
          seen.leap = Math.max(seen.leap, Math.abs(x - before.x) - room, Math.abs(y - before.y) - room);
          const forward = [(drawn.x - before.drawn.x) * right, (drawn.y - before.drawn.y) * down];
          seen.back = Math.max(seen.back, -forward[0], -forward[1]);
        }
        before = { x, y, drawnAt, drawn };
      }
      globalThis.__watch = {
        end: () => {
          cancelAnimationFrame(request);
          return seen;
        },
      };
    },
    { other, right, down, RUN },
  );
}

/** Keeps what goes over a person's line: inputs and the heads of frames. */
function listen(person) {
  person.page.on("websocket", (socket) => {
    person.inputs = new Map();
    person.frames = [];
    socket.on("framesent", ({ payload }) => {
      const input = inputOf(payload);
      if (input) person.inputs.set(input.seq, input);
    });
    socket.on("framereceived", ({ payload }) => {
      const message = decode(new Uint8Array(payload));
      if (message.type === "Frame") person.frames.push(message);
    });
  });
}

/** An `Input`, as `docs/protocol.md` has it. */
function inputOf(bytes) {
  if (bytes[0] !== 1) return undefined;
  const isShort = bytes[1] < 251;
  const seq = isShort ? bytes[1] : bytes.readUInt16LE(2);
  return { seq, direction: bytes.at(-2), run: bytes.at(-1) === 1 };
}

/** Every place the server told must follow from the one before by inputs it was sent; counts those it left out. */
function judge({ frames, inputs }) {
  let dropped = 0;
  for (let index = 1; index < frames.length; index++) {
    const [from, to] = [frames[index - 1], frames[index]];
    const sent = [];
    for (let seq = from.ack + 1; seq <= to.ack; seq++) sent.push(inputs.get(seq));
    const taken = mostTaken(from.own, to.own, sent);
    assert.ok(taken !== undefined, `at tick ${to.tick} the server is where no step leads`);
    // At most one step a tick, and one to make up for.
    assert.ok(taken <= 2 * (to.tick - from.tick), `at tick ${to.tick} the server took ${taken} steps`);
    dropped += sent.length - taken;
  }
  return { frames: frames.length, dropped };
}

/** How many of the inputs, in their order, lead from one state to the other; the most, if there are several ways. */
function mostTaken(from, to, sent) {
  let ways = new Map([[keyOf(from), { body: from, taken: 0 }]]);
  for (const input of sent) {
    const next = new Map(ways);
    for (const { body, taken } of ways.values()) {
      const moved = { ...body };
      step(moved, grid, input.direction, input.run, 20);
      const key = keyOf(moved);
      if ((next.get(key)?.taken ?? -1) < taken + 1) next.set(key, { body: moved, taken: taken + 1 });
    }
    ways = next;
  }
  return ways.get(keyOf(to))?.taken;
}

function keyOf({ x, y, carryX, carryY, facing }) {
  return [x, y, carryX, carryY, facing].join();
}

async function client(path) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const { module } = await runnerImport(`${root}src/${path}`, { root, configFile: false, logLevel: "warn" });
  return module;
}
