/**
 * Cluster: starts PostgreSQL, Redis, coturn, nginx and several Plaza processes on free ports of
 * this machine, in a folder that is removed at the end.
 *
 *   node scripts/cluster.mjs [--nodes 3] [--binary target/quick/plaza] [--listen 127.0.0.1:8080]
 *     [--state target/cluster/cluster.json] [--open-admin-signup]
 *
 * It runs until Ctrl-C. The state file has all addresses and process ids. A process that ends is
 * started again after three seconds, as systemd or Kubernetes would.
 */

import { spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, readdirSync } from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Milliseconds after which a process that ended is started again. */
const START_AGAIN = 3000;

/** The same for a service. */
const SERVICE_AGAIN = 500;

const POSTGRES_READY = /ready to accept connections/;
const REDIS_READY = /Ready to accept connections/;
const TURN_READY = /SQLite DB connection success/;

const SECRET = randomBytes(32).toString("hex");

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Waits for the line by which a process reports that it is ready. When it ends instead, its output
 * is the error.
 */
async function started(child, ready) {
  let said = "";
  const lines = [child.stdout, child.stderr]
    .filter(Boolean)
    .map((stream) => createInterface({ input: stream }));
  return new Promise((resolve, reject) => {
    for (const line of lines) {
      line.on("line", (text) => {
        said += `${text}\n`;
        const found = ready.exec(text);
        if (found) resolve(found);
      });
    }
    child.once("error", (error) => reject(new Error(`${child.spawnfile}: ${error.message}`)));
    child.once("exit", (code, signal) =>
      reject(new Error(`${child.spawnfile} ended (${code ?? signal}):\n${said}`)),
    );
  });
}

async function ended(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
}

/** Debian keeps PostgreSQL's programs out of the path. */
function postgresPrograms() {
  const root = "/usr/lib/postgresql";
  try {
    const newest = readdirSync(root).sort((a, b) => Number(b) - Number(a))[0];
    return newest ? join(root, newest, "bin") : "";
  } catch {
    return "";
  }
}

/** PostgreSQL does not run as root; then it runs as the user postgres. */
function asOwner(folder) {
  if (process.getuid?.() !== 0) return [];
  const [uid, gid] = ["-u", "-g"].map((flag) => Number(spawnSync("id", [flag, "postgres"]).stdout));
  chownSync(folder, uid, gid);
  return ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
}

async function startPostgres(folder) {
  const home = join(folder, "postgres");
  await mkdir(home, { mode: 0o755 });
  const owner = asOwner(home);
  const run = (words) => {
    const [program, ...rest] = [...owner, ...words];
    const done = spawnSync(program, rest, {
      env: { ...process.env, LC_ALL: "C" },
      encoding: "utf8",
    });
    if (done.status !== 0) throw new Error(`${words[0]}: ${done.error?.message ?? done.stderr}`);
  };
  const data = join(home, "data");
  const program = (name) => join(postgresPrograms(), name);
  run([program("initdb"), "-D", data, "-U", "postgres", "-E", "UTF8", "--locale=C", "-A", "trust"]);
  const port = await freePort();
  const settings = [`port=${port}`, "listen_addresses=127.0.0.1", "max_connections=200"];
  const words = [
    program("postgres"),
    "-D",
    data,
    "-k",
    home,
    ...settings.flatMap((setting) => ["-c", setting]),
  ];
  const [command, ...rest] = [...owner, ...words];
  const child = spawn(command, rest, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C" },
  });
  await started(child, POSTGRES_READY);
  run([program("createdb"), "-h", home, "-p", String(port), "-U", "postgres", "plaza"]);
  return {
    child,
    url: `postgres://postgres@127.0.0.1:${port}/plaza`,
    folder: home,
    command: [command, ...rest],
  };
}

async function startRedis() {
  const port = await freePort();
  const words = ["--bind", "127.0.0.1", "--port", String(port), "--save", "", "--appendonly", "no"];
  const child = spawn("redis-server", words, { stdio: ["ignore", "pipe", "pipe"] });
  await started(child, REDIS_READY);
  return { child, url: `redis://127.0.0.1:${port}`, command: ["redis-server", ...words] };
}

/** A TURN server, for clients that ask for one; on one machine all can reach each other. */
export async function startTurn(folder) {
  const port = await freePort();
  const home = join(folder, "turn");
  await mkdir(home);
  const words = [
    "-n",
    "-L",
    "127.0.0.1",
    "-E",
    "127.0.0.1",
    "-p",
    String(port),
    "--no-tls",
    "--no-dtls",
    "--no-cli",
  ];
  words.push(
    "--allow-loopback-peers",
    "--log-file=stdout",
    "--realm=plaza",
    `--pidfile=${home}/pid`,
    `--userdb=${home}/db`,
  );
  words.push("--use-auth-secret", `--static-auth-secret=${SECRET}`);
  const child = spawn("turnserver", words, { stdio: ["ignore", "pipe", "pipe"] });
  await started(child, TURN_READY);
  return {
    child,
    url: `turn:127.0.0.1:${port}?transport=udp`,
    secret: SECRET,
    command: ["turnserver", ...words],
  };
}

/** The example configuration of `deploy/`, with the addresses of this cluster. */
async function startNginx(folder, listen, nodes) {
  const example = await readFile(join(ROOT, "deploy/nginx.conf"), "utf8");
  const home = join(folder, "nginx");
  await mkdir(home);
  const [line] = /server 10\.[^\n]+/.exec(example);
  const servers = nodes
    .map(({ port }) => `    ${line.replace(/10\.[\d.:]+/, `127.0.0.1:${port}`)}\n`)
    .join("");
  const paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `  ${kind}_temp_path ${home}/${kind};\n`,
  );
  const config = example
    .replace(/( +server 10\.[^\n]+\n)+/, servers)
    .replace(/listen 80;/, `listen ${listen};`)
    .replace(/worker_processes auto;/, "worker_processes 1;")
    .replace(/http \{\n/, `http {\n  access_log off;\n${paths.join("")}`);
  const file = join(home, "nginx.conf");
  await writeFile(file, config);
  const globals = `daemon off; pid ${home}/pid; error_log stderr notice;`;
  const environment = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const words = ["-p", home, "-e", "stderr", "-c", file, "-g", globals];
  const child = spawn("nginx", words, { stdio: ["ignore", "ignore", "pipe"], env: environment });
  await started(child, /start worker processes/);
  return { child, url: `http://${listen}`, command: ["nginx", ...words] };
}

/** Starts everything; the result's `stop` ends it. */
export async function startCluster({
  binary = join(ROOT, "target/quick/plaza"),
  nodes: count = 3,
  listen,
  state = join(ROOT, "target/cluster/cluster.json"),
  isGuarded = true,
  more = [],
  onLine = () => {},
} = {}) {
  const folder = await mkdtemp(join(tmpdir(), "plaza-cluster-"));
  // PostgreSQL may run as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const services = [];
  let isStopping = false;
  const cluster = { nodes: [], folder };

  const write = async () => {
    await mkdir(dirname(state), { recursive: true });
    const told = ({ child, url, command, folder }) => ({ pid: child.pid, url, command, folder });
    const [postgres, redis, turn, nginx] = services.map(told);
    const nodes = cluster.nodes.map(({ name, url, child, command }) => ({
      name,
      url,
      pid: child?.pid,
      command,
    }));
    const text = JSON.stringify({ url: nginx?.url, nodes, redis, postgres, turn, nginx }, null, 2);
    await writeFile(`${state}.new`, text);
    await rename(`${state}.new`, state);
  };

  const start = async (node) => {
    const child = spawn(node.command[0], node.command.slice(1), {
      stdio: ["ignore", "pipe", "inherit"],
    });
    node.child = child;
    child.stdout.on("data", () => {});
    createInterface({ input: child.stdout }).on("line", (line) => onLine(node.name, line));
    child.once("exit", () => {
      if (isStopping || node.isDown) return;
      // A process that does not start ends, and is tried again.
      const again = () => start(node).then(write, () => {});
      setTimeout(() => !isStopping && !node.isDown && again(), START_AGAIN);
    });
    await started(child, /Plaza is open/);
  };

  /** Restarts a service that ended, with the same command. */
  const watch = (service, ready) => {
    service.child.once("exit", () => {
      if (isStopping) return;
      setTimeout(async () => {
        if (isStopping) return;
        const [command, ...rest] = service.command;
        const env = { ...process.env, LC_ALL: "C" };
        const child = spawn(command, rest, { stdio: ["ignore", "pipe", "pipe"], env });
        service.child = child;
        watch(service, ready);
        await started(child, ready).then(write, () => {});
      }, SERVICE_AGAIN);
    });
  };

  cluster.kill = async (name, signal = "SIGKILL") => {
    const node = cluster.nodes.find((other) => other.name === name);
    node.isDown = true;
    await ended(node.child, signal);
    await write();
  };
  cluster.restart = async (name) => {
    const node = cluster.nodes.find((other) => other.name === name);
    node.isDown = false;
    await start(node);
    await write();
  };
  cluster.stop = async () => {
    isStopping = true;
    await Promise.all(cluster.nodes.map(({ child }) => child && ended(child, "SIGTERM")));
    for (const { child } of services.reverse()) await ended(child, "SIGINT");
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    await rm(state, { force: true });
  };

  try {
    const postgres = await startPostgres(folder);
    services.push(postgres);
    watch(postgres, POSTGRES_READY);
    const redis = await startRedis();
    services.push(redis);
    watch(redis, REDIS_READY);
    const turn = await startTurn(folder);
    services.push(turn);
    watch(turn, TURN_READY);
    const data = join(folder, "data");
    for (const name of "abcdefghijklmnopqrstuvwxyz".slice(0, count)) {
      const port = await freePort();
      const options = ["--listen", `127.0.0.1:${port}`, "--data-dir", data, "--node", name];
      options.push(
        "--database-url",
        postgres.url,
        "--redis-url",
        redis.url,
        "--cluster-secret",
        SECRET,
      );
      options.push("--turn-url", turn.url, "--turn-secret", SECRET);
      options.push(
        "--trusted-proxies",
        "127.0.0.1",
        "--metrics-public",
        ...(isGuarded ? [] : ["--no-guardian"]),
        ...more,
      );
      const node = {
        name,
        port,
        url: `http://127.0.0.1:${port}`,
        command: [resolve(binary), "serve", ...options],
      };
      cluster.nodes.push(node);
      await start(node);
    }
    const nginx = await startNginx(
      folder,
      listen ?? `127.0.0.1:${await freePort()}`,
      cluster.nodes,
    );
    services.push(nginx);
    cluster.url = nginx.url;
    cluster.postgres = postgres.url;
    cluster.redis = redis.url;
    cluster.turn = turn.url;
    await write();
    return cluster;
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}

async function isFree(port) {
  const server = createServer();
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
    server.close();
    return true;
  } catch {
    return false;
  }
}

async function main() {
  const { values } = parseArgs({
    options: {
      nodes: { type: "string", default: "3" },
      binary: { type: "string" },
      listen: { type: "string" },
      state: { type: "string" },
      "open-admin-signup": { type: "boolean" },
    },
  });
  const nodes = Number(values.nodes);
  if (!(nodes >= 1 && nodes <= 26)) throw new Error("--nodes is 1 to 26");
  const links = [];
  const cluster = await startCluster({
    nodes,
    binary: values.binary,
    state: values.state,
    listen: values.listen ?? ((await isFree(8080)) ? "127.0.0.1:8080" : undefined),
    // Only this machine reaches it, possibly with many clients.
    more: ["--auth-rate", "0", ...(values["open-admin-signup"] ? ["--open-admin-signup"] : [])],
    onLine: (_, line) => {
      const token = /\/setup\?token=\S+/.exec(line)?.[0];
      if (token) links.push(token);
    },
  });
  console.log(`Plaza is open: ${cluster.url}/`);
  if (links.length > 0)
    console.log(`There is no admin yet. Open this link once to become the admin: ${cluster.url}${links.at(-1)}`);
  for (const { name, url, child } of cluster.nodes)
    console.log(`  ${name}  ${url}  process ${child.pid}`);
  console.log("Kill one and see what happens. Ctrl-C ends all of them.");
  const stop = () => cluster.stop().then(() => process.exit(0));
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main().catch((error) => {
    console.error(`cluster: ${error.message}`);
    process.exit(1);
  });
}
