/**
 * Dev: a server that is built and started again when its sources change, and the page through
 * Vite's dev server, which reloads by itself.
 *
 *   node scripts/dev.mjs [options of `plaza serve`]
 *
 * It runs until Ctrl-C. When a build fails, the compiler's errors are shown and the server before
 * goes on. People are back where they stood after each start.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PAGE = "http://localhost:5173";

/** What the server is made of. The page is not in it: Vite serves that from its sources. */
const FOLDERS = ["src", "migrations", "assets"];
const FILES = ["Cargo.toml", "Cargo.lock", "build.rs"];

/** Milliseconds without a further change before a build. */
const SETTLED = 150;

/** Milliseconds that the server has to end. */
const PATIENCE = 10_000;

const options = process.argv.slice(2);
const address = addressOf(options);
const binary = join(resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target"), "debug/plaza");
const say = (text) => console.log(`dev: ${text}`);

let isEnding = false;
let server;
let stopping;
let builder;
let timer;
let isChanged = false;

function addressOf(options) {
  const at = options.findIndex((option) => /^--listen(=|$)/.test(option));
  const given = at < 0 ? undefined : (options[at].split("=")[1] ?? options[at + 1]);
  const address = given ?? process.env.PLAZA_LISTEN ?? "127.0.0.1:8080";
  return `http://${address.replace(/^0\.0\.0\.0:|^\[::\]:/, "127.0.0.1:")}`;
}

/** A child in a process group of its own, so that Ctrl-C reaches only this program, which ends it. */
const start = (program, args, more = {}) =>
  spawn(program, args, { cwd: ROOT, stdio: "inherit", detached: true, ...more });

async function stop(child) {
  if (!child || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      // It has just ended.
    }
  };
  kill("SIGTERM");
  const late = setTimeout(() => kill("SIGKILL"), PATIENCE);
  await exit;
  clearTimeout(late);
}

async function build() {
  builder = start("cargo", ["build", "--locked"]);
  const [code] = await once(builder, "exit");
  builder = undefined;
  return code === 0;
}

async function serve() {
  const before = server;
  server = undefined;
  stopping = stop(before);
  await stopping;
  if (isEnding) return;
  const stdio = ["inherit", "pipe", "inherit"];
  const child = start(binary, ["serve", "--no-guardian", ...options], { stdio });
  server = child;
  // The page at the server's own address may be an old one.
  createInterface({ input: child.stdout }).on("line", (line) =>
    console.log(line.replaceAll(address, PAGE)),
  );
  child.once("exit", (code, signal) => {
    if (server === child && !isEnding)
      say(`the server ended (${code ?? signal}); it starts again with the next change`);
    if (server === child) server = undefined;
  });
}

/** Builds and starts until nothing changed during the build. */
async function update() {
  if (builder || isEnding) return;
  do {
    isChanged = false;
    const isBuilt = await build();
    if (isEnding) return;
    if (isChanged) continue;
    if (isBuilt) await serve();
    else say(server ? "not built; the server before goes on" : "not built");
  } while (isChanged && !isEnding);
}

function changed() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    isChanged = true;
    void update();
  }, SETTLED);
}

const page = start(
  process.execPath,
  ["node_modules/vite/bin/vite.js", "--clearScreen", "false", "--strictPort"],
  { cwd: join(ROOT, "web"), env: { ...process.env, PLAZA_URL: address } },
);

async function end(code) {
  if (isEnding) return;
  isEnding = true;
  clearTimeout(timer);
  for (const watcher of watchers) watcher.close();
  await Promise.all([stopping, ...[builder, server, page].map(stop)]);
  process.exit(code);
}

const watchers = [
  ...FOLDERS.map((folder) => watch(join(ROOT, folder), { recursive: true }, changed)),
  // Editors put another file in the place of the old one, which a watched file would not notice.
  watch(ROOT, (_, name) => FILES.includes(name) && changed()),
];
page.once("exit", () => end(1));
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(0));

await update();
