/** Measure: runs a server on the first core and load on the second, and measures their use. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const BINARY = process.env.PLAZA_BINARY ?? join(ROOT, "target/release/plaza");
export const RUNS = Number(process.env.RUNS ?? 3);
export const CLIENTS = (process.env.CLIENTS ?? "50,100,500,1000,2500").split(",").map(Number);
export const FOR = process.env.FOR ?? "30s";
/** Seconds over which the use of the cores is measured. */
export const SAMPLE = 8;
const TICKS_PER_SECOND = 100;

const pinned = (core) => (existsSync("/usr/bin/taskset") ? ["taskset", "-c", String(core)] : []);

export function launch(core, program, args, options) {
  const [command, ...rest] = [...pinned(core), program, ...args];
  return spawn(command, rest, options);
}

export const start = (core, args, stdio) => launch(core, BINARY, args, { stdio });

/** Starts a server with an empty folder, or one that `fill` prepared. */
export async function serve(fill = () => {}) {
  const folder = mkdtempSync(join(tmpdir(), "plaza-bench-"));
  fill(folder);
  const options = [
    "--listen",
    "127.0.0.1:0",
    "--auth-rate",
    "0",
    "--open-admin-signup",
    "--log",
    "warn",
  ];
  const process = start(
    0,
    ["serve", "--no-guardian", "--metrics-public", "--data-dir", folder, ...options],
    ["ignore", "pipe", "inherit"],
  );
  const lines = createInterface({ input: process.stdout });
  for await (const line of lines) {
    const url = /Plaza is open: (\S+?)\/?$/.exec(line)?.[1];
    if (url) return { url, process, folder };
  }
  throw new Error("the server did not start");
}

export async function stop({ process, folder }) {
  process.kill("SIGTERM");
  await once(process, "exit");
  rmSync(folder, { recursive: true, force: true });
}

export function seconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
  return {
    user: Number(fields[11]) / TICKS_PER_SECOND,
    kernel: Number(fields[12]) / TICKS_PER_SECOND,
  };
}

export const megabytes = (pid) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

export async function gauge(url, name) {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^${name} (\\d+)`, "m").exec(text)?.[1] ?? 0);
}

/**
 * The share that a server and the load use of their cores, from `settle` seconds after all clients
 * have joined; NaN when the load ends before.
 */
export async function used(server, load, isFull, settle = 5) {
  const hasEnded = () => load.exitCode !== null || load.signalCode !== null;
  while (!(await isFull())) {
    if (hasEnded()) return { user: NaN, kernel: NaN, megabytes: NaN, load: NaN };
    await pause(250);
  }
  await pause(settle * 1000);
  const take = () => [seconds(server.pid), seconds(load.pid), performance.now()];
  const [before, loadBefore, from] = take();
  await pause(SAMPLE * 1000);
  if (hasEnded())
    throw new Error(`the load ended while its use was measured: FOR=${FOR} is too short`);
  const [after, loadAfter, to] = take();
  const share = (earlier, later, part) => (later[part] - earlier[part]) / ((to - from) / 1000);
  return {
    user: share(before, after, "user"),
    kernel: share(before, after, "kernel"),
    megabytes: megabytes(server.pid),
    load: share(loadBefore, loadAfter, "user") + share(loadBefore, loadAfter, "kernel"),
  };
}

/** One run: the bots' report, and what the server used while all bots were in. */
export async function run(bots, args, fill, settle) {
  const server = await serve(fill);
  try {
    const report = join(server.folder, "report.json");
    const load = ["bots", "--url", server.url, "--bots", bots, "--json", report, ...args].map(
      String,
    );
    const tester = start(1, load, ["ignore", "ignore", "inherit"]);
    const ended = once(tester, "exit");
    const isFull = async () => (await gauge(server.url, "plaza_clients")) >= bots;
    const use = await used(server.process, tester, isFull, settle);
    await ended;
    return { ...JSON.parse(readFileSync(report, "utf8")), use };
  } finally {
    await stop(server);
  }
}

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
