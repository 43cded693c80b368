/**
 * Bench: runs bots against a pinned server, and writes tables and a chart to docs/BENCHMARKS.md.
 *
 *   node scripts/bench.mjs room|spread|spaces|sockets|storm|churn|calls|forward|reference …
 *
 * RUNS (3), CLIENTS (50,100,500,1000,2500), FOR (30s; the scene `spaces` takes as long as all its
 * spaces need to sleep) and HOURS (1, of churn) set how much is run. The server has the first core
 * and the bots have the second; figures are medians of the runs.
 */

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { BINARY, CLIENTS, FOR, ROOT, RUNS, SAMPLE } from "./bench/measure.mjs";
import { gauge, median, megabytes, run, seconds, serve, start, stop } from "./bench/measure.mjs";
import { compared } from "./bench/reference.mjs";

const PAGE = join(ROOT, "docs/BENCHMARKS.md");
const CHART = join(ROOT, "docs/pictures/crowd.svg");
const HOURS = Number(process.env.HOURS ?? 1);
const PICTURES = 10;

/** Groups of six bots in calls: what the SFU's thread uses once they all stand still. */
async function forwarded(groups) {
  const server = await serve();
  try {
    const report = join(server.folder, "report.json");
    const bots = ["--bots", 6 * groups, "--spaces", groups, "--behaviour", "idle", "--media"].map(
      String,
    );
    const load = ["bots", "--url", server.url, ...bots, "--for", "20s", "--json", report];
    const ended = once(start(1, load, ["ignore", "ignore", "inherit"]), "exit");
    const { pid } = server.process;
    const threads = readdirSync(`/proc/${pid}/task`);
    const name = (thread) => readFileSync(`/proc/${pid}/task/${thread}/comm`, "utf8").trim();
    const sfu = threads.find((thread) => name(thread) === "forward");
    while ((await gauge(server.url, "plaza_clients")) < 6 * groups) await pause(250);
    await pause(8000);
    const [before, from] = [seconds(`${pid}/task/${sfu}`), performance.now()];
    const streams = await gauge(server.url, "plaza_forward_streams");
    await pause(SAMPLE * 1000);
    const [after, to] = [seconds(`${pid}/task/${sfu}`), performance.now()];
    const share = (after.user + after.kernel - before.user - before.kernel) / ((to - from) / 1000);
    await ended;
    const { firstPicture, mediaFramesPerSecond, mediaGaps } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    return {
      streams,
      share,
      loss: mediaGaps,
      picture: firstPicture.p99,
      frames: mediaFramesPerSecond,
    };
  } finally {
    await stop(server);
  }
}

async function medians(bots, args, fill, settle) {
  const runs = [];
  for (let number = 0; number < RUNS; number++) runs.push(await run(bots, args, fill, settle));
  const of = (figure) => median(runs.map(figure));
  return {
    clients: bots,
    core: of(({ use }) => use.user + use.kernel),
    user: of(({ use }) => use.user),
    kilobytes: of(({ bytesPerSecond }) => bytesPerSecond / 1000),
    near: of(({ near }) => near.p99),
    far: of(({ far }) => far.p99),
    join: of(({ join }) => join.p99),
    frames: of(({ framesPerSecond }) => framesPerSecond),
    late: of(({ lateness }) => lateness.p99),
    lost: of(({ lost, failed }) => lost + failed),
    megabytes: of(({ use }) => use.megabytes),
  };
}

const HEAD = `| clients | core (of that outside the kernel) | bytes per client | move seen p99, near · far | join p99 | frames per client | lost | memory | bots late p99 |
|---|---|---|---|---|---|---|---|---|`;

const row = (name, f) =>
  `| ${name} | ${f.core.toFixed(2)} (${f.user.toFixed(2)}) | ${f.kilobytes.toFixed(1)} KB/s | ${f.near.toFixed(0)} · ${f.far.toFixed(0)} ms | ${f.join.toFixed(0)} ms | ${f.frames.toFixed(1)}/s | ${f.lost} | ${f.megabytes.toFixed(0)} MB | ${f.late.toFixed(0)} ms |`;

/** Seeds an empty map of 200 × 200 tiles that is one large spawn. */
function largeMap(folder) {
  const seed = join(folder, "seed");
  const side = 200;
  const size = { width: side, height: side };
  const layers = [
    { name: "ground", type: "tilelayer", ...size, data: Array(side * side).fill(1) },
    {
      name: "zones",
      type: "objectgroup",
      objects: [
        {
          id: 1,
          type: "spawn",
          name: "Everywhere",
          x: 0,
          y: 0,
          width: side * 32,
          height: side * 32,
        },
      ],
    },
  ];
  const map = {
    ...{
      type: "map",
      version: "1.10",
      orientation: "orthogonal",
      infinite: false,
      tilewidth: 32,
      tileheight: 32,
    },
    ...size,
    properties: [{ name: "name", type: "string", value: "Large" }],
    tilesets: [
      { firstgid: 1, name: "tiles", tiles: [{ id: 0, type: "grass", image: "grass.svg" }] },
    ],
    layers,
  };
  mkdirSync(join(seed, "maps"), { recursive: true });
  writeFileSync(join(seed, "maps/large.tmj"), JSON.stringify(map));
  for (const list of ["avatars", "elements", "spaces"])
    writeFileSync(join(seed, `${list}.json`), "[]");
  execFileSync(BINARY, ["seed", seed, "--data-dir", folder], { stdio: "ignore" });
}

const SCENES = {
  async room() {
    const rows = [];
    for (const bots of CLIENTS)
      rows.push(await medians(bots, ["--behaviour", "crowd", "--for", FOR, "--ramp", "100/s"]));
    chart(rows);
    const table = rows.map((figures) => row(figures.clients, figures)).join("\n");
    return `Everyone in one space, 10 moves/s each.\n\n${HEAD}\n${table}\n\n![Core share and latency against clients](pictures/crowd.svg)`;
  },
  async spread() {
    const args = ["--map", "Large", "--behaviour", "wander", "--for", FOR, "--ramp", "100/s"];
    const figures = await medians(1000, args, largeMap);
    return `A thousand spread over a map of 200 × 200 tiles.\n\n${HEAD}\n${row(1000, figures)}`;
  },
  async spaces() {
    // Until the last space sleeps and its memory is released.
    const settle = 30;
    const args = [
      "--spaces",
      1000,
      "--behaviour",
      "idle",
      "--for",
      `${settle + 20}s`,
      "--ramp",
      "100/s",
    ];
    const figures = await medians(1000, args, undefined, settle);
    return `A thousand spaces with one resting player each.\n\n${HEAD}\n${row(1000, figures)}`;
  },
  async sockets() {
    const args = ["--spaces", 100, "--behaviour", "idle", "--for", FOR, "--ramp", "200/s"];
    return `Ten thousand resting players in a hundred spaces.\n\n${HEAD}\n${row(10_000, await medians(10_000, args))}`;
  },
  async storm() {
    const figures = await medians(600, ["--behaviour", "crowd", "--for", FOR, "--ramp", "100/s"]);
    return `A hundred joins a second into a space that fills up to six hundred.\n\n${HEAD}\n${row(600, figures)}`;
  },
  /** Groups of six who all send video, through the SFU. */
  async forward() {
    const rows = [];
    for (const groups of [5, 10, 20]) {
      const runs = [];
      for (let number = 0; number < RUNS; number++) runs.push(await forwarded(groups));
      const of = (figure) => median(runs.map(figure));
      const [streams, share, loss] = [
        of(({ streams }) => streams),
        of(({ share }) => share),
        of(({ loss }) => loss),
      ];
      const [picture, frames] = [of(({ picture }) => picture), of(({ frames }) => frames)];
      rows.push(
        `| ${groups * 6} | ${streams} | ${share.toFixed(2)} | ${((share / streams) * 1e3).toFixed(2)} ‰ | ${frames.toFixed(0)}/s | ${loss} | ${picture.toFixed(0)} ms |`,
      );
    }
    return `Groups of six people. Each sends a voice (32 kbit/s) and a camera (150 and 700 kbit/s, thirty frames\na second) and receives those of the others at a small size.\n\n| clients | forwarded streams | core of the SFU's thread | of it per stream | frames to each client | after a gap | first video frame p99 |\n|---|---|---|---|---|---|---|\n${rows.join("\n")}`;
  },
  /** Two browsers with cameras, side by side; one blocks and unblocks the other. */
  async calls() {
    const { DEVICES, openBrowser, Server } = await import("../web/journeys/plaza.mjs");
    const { agree, arrive, bring, makeSpace, walkUp } = await import("../web/journeys/talking.mjs");
    const server = await Server.start();
    const browser = await openBrowser(DEVICES);
    const ada = await arrive(browser, server, undefined, "Ada");
    const bo = await bring(browser, server, await makeSpace(ada, "Pictures", /Office/), "Bo");
    await walkUp(bo, "Ada");
    await agree(ada, "camera");
    const { page } = bo;
    /** Presses a button on her card, which each action closes. */
    const press = async (label) => {
      await page.getByRole("button", { name: /^People/ }).click();
      await page.getByRole("button", { name: "Ada", exact: true }).click();
      await page.getByRole("button", { name: label, exact: true }).click();
      await page.getByRole("button", { name: /^People/ }).click();
    };
    const times = [];
    while (times.length < PICTURES) {
      await press("Block");
      await bo.until(() => globalThis.__plaza().peers.length === 0);
      const measured = page.evaluate(
        () =>
          new Promise((resolve) => {
            let connected;
            const timer = setInterval(() => {
              const sees = globalThis.__plaza().peers.some(({ see }) => see);
              connected ??= sees ? performance.now() : undefined;
              const video = document.querySelector(".tile.camera:not(.mine, .fading) video");
              if (connected === undefined || !(video?.currentTime > 0)) return;
              clearInterval(timer);
              resolve(performance.now() - connected);
            }, 5);
          }),
      );
      await press("Unblock");
      times.push(await measured);
    }
    await browser.close();
    await server.stop();
    times.sort((a, b) => a - b);
    const [middle, worst] = [times[times.length >> 1], times.at(-1)].map((time) => time.toFixed(0));
    return `From being connected to the first video frame that is drawn, two browsers on one machine, ${PICTURES} times:\nmedian ${middle} ms, worst ${worst} ms.`;
  },
  /** Three other servers under the same load, with Plaza's own runs in between. */
  reference: compared,
  async churn() {
    const server = await serve();
    const memory = [];
    const end = performance.now() + HOURS * 3_600_000;
    while (performance.now() < end) {
      const args = [
        "bots",
        "--url",
        server.url,
        "--bots",
        "100",
        "--spaces",
        "10",
        "--for",
        "20s",
        "--behaviour",
        "chat",
      ];
      await once(start(1, args, "ignore"), "exit");
      memory.push(megabytes(server.process.pid));
    }
    await stop(server);
    const at = (part) => memory[Math.floor((memory.length - 1) * part)].toFixed(0);
    return `${HOURS} h of churn: a hundred people join ten new spaces, chat and leave, ${memory.length} times.\nMemory after the first round ${at(0)} MB, half way ${at(0.5)} MB, at the end ${at(1)} MB.`;
  },
};

/** Core share and latency against clients, side by side. */
function chart(rows) {
  const [width, height, left, top] = [340, 200, 56, 40];
  const x = (index) => left + (index * (width - left - 20)) / Math.max(1, rows.length - 1);
  const panel = (title, unit, value, offset) => {
    const most = Math.max(...rows.map(value)) * 1.15;
    const y = (figure) => top + (1 - figure / most) * (height - top - 40);
    const points = rows
      .map((figures, index) => `${x(index)},${y(value(figures)).toFixed(1)}`)
      .join(" ");
    const labels = rows.map(
      (figures, index) =>
        `<circle cx="${x(index)}" cy="${y(value(figures)).toFixed(1)}" r="3.5"/><text x="${x(index)}" y="${(y(value(figures)) - 9).toFixed(1)}">${value(figures).toFixed(unit === "ms" ? 0 : 2)}</text><text class="axis" x="${x(index)}" y="${height - 18}">${figures.clients}</text>`,
    );
    return `<g transform="translate(${offset} 0)"><text class="title" x="${left}" y="20">${title}</text><line x1="${left}" x2="${width - 10}" y1="${height - 36}" y2="${height - 36}"/><polyline points="${points}"/>${labels.join("")}</g>`;
  };
  const style =
    "text{font:12px system-ui,sans-serif;fill:#555;text-anchor:middle}.title{text-anchor:start;font-weight:600}.axis{fill:#888}polyline{fill:none;stroke:#d9653b;stroke-width:2.5}circle{fill:#d9653b}line{stroke:#bbb}";
  writeFileSync(
    CHART,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * width} ${height}" role="img" aria-label="Core share and latency against clients"><style>${style}</style><rect width="100%" height="100%" fill="#fff"/>${panel("Share of one core", "", ({ core }) => core, 0)}${panel("Move seen, p99, near, in ms", "ms", ({ near }) => near, width)}</svg>\n`,
  );
}

function keep(scene, text) {
  const commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], {
    cwd: ROOT,
    encoding: "utf8",
  }).trim();
  const machine = `${cpus().length} cores (${cpus()[0].model.trim()}), ${Math.round(totalmem() / 2 ** 30)} GiB`;
  // Long scenes run once.
  const runs = ["calls", "churn"].includes(scene) ? "" : ` medians of ${RUNS};`;
  const about = `*${new Date().toISOString().slice(0, 10)}, commit ${commit}, ${machine};${runs}\n\`node scripts/bench.mjs ${scene}\`.*`;
  const [begin, end] = [`<!-- ${scene} -->`, `<!-- /${scene} -->`];
  const page = readFileSync(PAGE, "utf8");
  const section = `${begin}\n${text}\n\n${about}\n${end}`;
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  writeFileSync(
    PAGE,
    from < 0
      ? `${page.trimEnd()}\n\n${section}\n`
      : page.slice(0, from) + section + page.slice(to + end.length),
  );
}

for (const scene of process.argv.slice(2)) {
  if (!SCENES[scene])
    throw new Error(`there is no scene ${scene}: ${Object.keys(SCENES).join(", ")}`);
  keep(scene, await SCENES[scene]());
}
