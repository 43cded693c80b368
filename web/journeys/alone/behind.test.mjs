/**
 * Latency: one player walks over a bad connection; no player may leap or walk backwards. A slow
 * machine makes connections worse than intended, so the tests judge what was sent, received and
 * drawn, not how soon it arrived.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";
import { Line } from "../faults.mjs";
import { openBrowser, Person, Server } from "../plaza.mjs";

/** The client's own codec and movement, to check the server's answers to the inputs it got. */
const { decode } = await client("net/codec.gen.ts");
const { step } = await client("world/movement.ts");
const { gridOf } = await client("world/map.ts");

/** Running speed in sub-tiles per second, and the tolerance of a drawn frame: half a tile. */
const RUN = 512;
const LEAP = 32;
/** Sub-tiles from the middle of a body down to its feet, where players are drawn. */
const FEET = 12;
/** How often the connection is stalled in each direction while the players walk. */
const STUCK = 2;
/** Inputs in flight when the stall ends; the server has room for eight of them. */
const HELD = 20;
/**
 * The most repetitions, in case a slow machine passes the inputs on one by one, so that the server
 * accepts them all.
 */
const TRIES = 10;

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
  // Small windows: frames are drawn without a graphics card here, and smaller ones are faster.
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

test("two people meet, one of them over a bad connection", async () => {
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
  for (const person of [ada, bo])
    await person.until(() => globalThis.__plaza().walkers.length === 2);
});

test("they walk, turn, run and slide along a wall without leaps or backward steps", async () => {
  const { up, down } = line.stuck;
  // Forward up to a wall and along it, then back again.
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

test("a long stall loses steps, which are corrected without a leap", async () => {
  for (let tries = 1; ; tries++) {
    const { socket } = ada;
    const [told, { corrections }] = [socket.frames.length, await ada.figures()];
    await hold();
    if (ada.socket !== socket) continue;
    const { lost } = judge(socket, told);
    const grew = (await ada.figures()).corrections > corrections;
    assert.equal(grew, lost > 0, `${lost} times the server was elsewhere than all steps lead`);
    if (lost > 0) return;
    assert.ok(tries < TRIES, `the server took all of ${HELD} steps at once, ${tries} times`);
  }
});

test("in the end all clients agree on every position", async () => {
  const [hers, his] = [await ada.figures(), await bo.figures()];
  for (const [own, other] of [
    [hers, his],
    [his, hers],
  ]) {
    const place = [own.body.x, own.body.y];
    const told = (figures) =>
      figures.walkers.filter(({ player }) => player === own.me).map(({ x, y }) => [x, y]);
    assert.deepEqual(told(own), [place], "the server says the same");
    assert.deepEqual(told(other), [place], "and so does the other page");
    assert.ok(Math.hypot(own.x - place[0], own.y - place[1]) < 1, "and it is drawn there");
  }
});

test("the server applied exactly the inputs it got, except those it had no room for", async () => {
  for (const person of [ada, bo]) {
    const { corrections, largest, jumps } = await person.figures();
    const { dropped } = judge(person.socket);
    const [frames, by] = [person.socket.frames.length, (largest / 64).toFixed(2)];
    const story = `${frames} frames, ${dropped} steps dropped, ${corrections} corrections by ${by} tiles at most`;
    console.info(`${person === ada ? "bad" : "good"} line: ${story}`);
    assert.ok(frames > 0 && person.pictures > 0);
    assert.equal(jumps, 0);
    if (dropped === 0) assert.equal(corrections, 0, "the prediction was right all the way");
  }
  assert.deepEqual([...ada.complaints, ...bo.complaints], []);
});

/**
 * Both walk with several combinations of keys, only ever to the right or left (1 or −1) and down or
 * up; returns when both stand still.
 */
async function leg(right, down, hers, his) {
  const [her, him] = [(await ada.figures()).me, (await bo.figures()).me];
  await watch(ada, him, right, down);
  await watch(bo, her, right, down);
  const walk = async (person, parts) => {
    for (const { keys, tiles } of parts)
      await person.hold(keys, hasGone, { tiles, ...(await beginning(person)) });
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

/**
 * Ada walks where there is most space, since steps against a wall would lose nothing, while her
 * connection is stalled.
 */
async function hold() {
  const { body, me } = await ada.figures();
  const ways = [
    { keys: ["ArrowUp"], direction: 1, right: 1, down: -1 },
    { keys: ["ArrowRight"], direction: 3, right: 1, down: 1 },
    { keys: ["ArrowDown"], direction: 5, right: 1, down: 1 },
    { keys: ["ArrowLeft"], direction: 7, right: -1, down: 1 },
  ];
  const { keys, right, down } = ways.reduce((best, way) =>
    room(body, way) > room(body, best) ? way : best,
  );
  await watch(ada, (await bo.figures()).me, right, down);
  await watch(bo, me, right, down);
  await ada.page.locator(".world").focus();
  for (const key of keys) await ada.page.keyboard.down(key);
  await ada.until(() => globalThis.__plaza().pending > 0);
  line.hold();
  await ada.until((held) => globalThis.__plaza().pending >= held, HELD);
  line.release();
  for (const key of keys) await ada.page.keyboard.up(key);
  await settled(ada, bo);
  for (const person of [ada, bo]) await judgeWatch(person);
}

/** Sub-tiles walked per step in that direction. */
function room(from, { direction }) {
  const body = { ...from };
  for (let count = 0; count < 2 * HELD; count++) step(body, grid, direction, false, 20);
  return Math.hypot(body.x - from.x, body.y - from.y);
}

/** The distance was walked, or twelve steps led nowhere. Runs in the page. */
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

/** Waits until `other` received and draws `person` where their own page has them. */
async function settled(person, other) {
  await person.until(() => {
    const { x, y, body, pending } = globalThis.__plaza();
    return pending === 0 && Math.hypot(x - body.x, y - body.y) < 0.5;
  });
  const { body, me } = await person.figures();
  const place = { me, x: body.x, y: body.y, feet: FEET };
  await other.until(({ me, x, y, feet }) => {
    const walker = globalThis.__plaza().walkers.find(({ player }) => player === me);
    if (walker?.x !== x || walker.y !== y) return false;
    // Along a wall only y changes, so that x alone does not tell that the drawing has caught up.
    const [across, along] = [walker.drawn.x * 64 - x, walker.drawn.y * 64 - y - feet];
    return Math.abs(across) < 1 && Math.abs(along) < 1;
  }, place);
}

/**
 * Records in every frame how far the own player moved beyond running speed, and how far the other
 * went back. The time between two frames is measured or the browser's time stamp, whichever is
 * longer, since a busy machine draws frames late. A new connection starts again: its steps are
 * counted from the first.
 */
async function watch(person, other, right, down) {
  await person.page.evaluate(
    ({ other, right, down, RUN }) => {
      const seen = { pictures: 0, leap: 0, back: 0 };
      let before;
      let request = requestAnimationFrame(note);
      function note(meantFor) {
        request = requestAnimationFrame(note);
        const { x, y, drawnAt, seq, walkers } = globalThis.__plaza();
        const drawn = walkers.find(({ player }) => player === other)?.drawn;
        if (!drawn || drawnAt === before?.drawnAt) return;
        if (before && seq >= before.seq) {
          const room =
            (RUN * Math.max(drawnAt - before.drawnAt, meantFor - before.meantFor)) / 1000;
          seen.pictures++;
          seen.leap = Math.max(
            seen.leap,
            Math.abs(x - before.x) - room,
            Math.abs(y - before.y) - room,
          );
          const forward = [(drawn.x - before.drawn.x) * right, (drawn.y - before.drawn.y) * down];
          seen.back = Math.max(seen.back, -forward[0], -forward[1]);
        }
        before = { x, y, drawnAt, meantFor, seq, drawn };
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

/**
 * Records what goes over a person's newest connection: inputs, and the own player's state in each
 * frame.
 */
function listen(person) {
  person.page.on("websocket", (socket) => {
    const kept = { inputs: new Map(), frames: [] };
    let own;
    person.socket = kept;
    socket.on("framesent", ({ payload }) => {
      const input = inputOf(payload);
      if (input) kept.inputs.set(input.seq, input);
    });
    socket.on("framereceived", ({ payload }) => {
      const message = decode(new Uint8Array(payload));
      if (message.type !== "Frame") return;
      // Fields that did not change since the previous frame are left out.
      own = message.header.own ?? own;
      kept.frames.push({ tick: message.header.tick, ack: own.ack, own: own.state });
    });
  });
}

/** An `Input`, as in `docs/protocol.md`. */
function inputOf(bytes) {
  if (bytes[0] !== 1) return undefined;
  const isShort = bytes[1] < 251;
  const seq = isShort ? bytes[1] : bytes.readUInt16LE(2);
  return { seq, direction: bytes.at(-2), run: bytes.at(-1) === 1 };
}

/**
 * Every position the server sent, from frame `first` on, must follow from the previous one by
 * inputs it got. Counts the inputs that were certainly left out, and the frames whose position no
 * inputs lead to.
 */
function judge({ frames, inputs }, first = 1) {
  let [dropped, lost] = [0, 0];
  for (let index = Math.max(first, 1); index < frames.length; index++) {
    const [from, to] = [frames[index - 1], frames[index]];
    const sent = [];
    for (let seq = from.ack + 1; seq <= to.ack; seq++) sent.push(inputs.get(seq));
    const ways = waysBetween(from.own, to.own, sent);
    assert.ok(ways.size > 0, `at tick ${to.tick} the server is where no step leads`);
    // At most one step per tick, and one to catch up. Steps against a wall may be among those left
    // out.
    const lawful = [...ways].filter((taken) => taken <= 2 * (to.tick - from.tick));
    assert.ok(lawful.length > 0, `at tick ${to.tick} the server took ${Math.min(...ways)} steps`);
    dropped += sent.length - Math.max(...lawful);
    if (!ways.has(sent.length)) lost++;
  }
  return { dropped, lost };
}

/** How many of the inputs, in order, may have been applied to come from one state to the other. */
function waysBetween(from, to, sent) {
  let ways = new Map([[keyOf(from), { body: from, counts: new Set([0]) }]]);
  for (const input of sent) {
    const next = new Map(
      [...ways].map(([key, { body, counts }]) => [key, { body, counts: new Set(counts) }]),
    );
    for (const { body, counts } of ways.values()) {
      const moved = { ...body };
      step(moved, grid, input.direction, input.run, 20);
      const key = keyOf(moved);
      const known = next.get(key) ?? { body: moved, counts: new Set() };
      for (const count of counts) known.counts.add(count + 1);
      next.set(key, known);
    }
    ways = next;
  }
  return ways.get(keyOf(to))?.counts ?? new Set();
}

function keyOf({ x, y, carryX, carryY, facing }) {
  return [x, y, carryX, carryY, facing].join();
}

async function client(path) {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const { module } = await runnerImport(`${root}src/${path}`, {
    root,
    configFile: false,
    logLevel: "warn",
  });
  return module;
}
