/**
 * Load: clients of one reference server that all move ten times per second, and what they saw.
 *
 *   bun load.mjs --server node-ws|colyseus|fan-out --url http://127.0.0.1:PORT \
 *     --clients 100 --for 30s
 *
 * As with `plaza bots`, each client moves on a beat of its own, independent of the server. Counting
 * begins two seconds after all clients joined. The time of a move runs from when it was due until
 * another client received it; of moves that arrived together, from when the first was due. About
 * eight clients decode what they receive, the others only count bytes. It prints `in` once all
 * clients joined, and a report in JSON at the end.
 */

import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { DIALECTS } from "./dialects.mjs";
import { Histogram } from "./histogram.mjs";
import { placeOf, STEPS, stepTo } from "./places.mjs";
import { Socket } from "./socket.mjs";

const BEAT = 100;
const RAMP = 100;
const JOIN_WITHIN = 20_000;
const WARM_UP = 2000;
const LOOKERS = 8;
const MILLISECONDS = { s: 1000, m: 60_000 };

const clients = [];
const byId = new Map();
const [seen, lateness] = [new Histogram(), new Histogram()];
let counts = false;

const now = () => performance.now();

class Client {
  socket = new Socket((message) => this.#hear(message));
  /** Time at which the next move is due, and the number of moves made. */
  due = Number.POSITIVE_INFINITY;
  moves = 0;
  #dialect;
  #start = Math.floor(Math.random() * STEPS);
  #firstDue = 0;
  /** By client: the last of their moves that this client saw. */
  #shown = new Map();
  #joined = Promise.withResolvers();

  constructor(dialect) {
    this.#dialect = dialect;
  }

  async join(url) {
    await this.socket.open(new URL(url), await this.#dialect.invite(url));
    await this.#joined.promise;
    byId.set(this.#dialect.id, this);
    this.#firstDue = this.due = now() + Math.random() * BEAT;
  }

  #hear(message) {
    const answer = this.#dialect.hear(message, (id, x, y) => this.#saw(byId.get(id), x, y));
    if (answer) this.socket.send(answer);
    if (this.#dialect.id !== undefined) this.#joined.resolve();
  }

  #saw(other, x, y) {
    if (other === undefined || other === this) return;
    const move = other.moveTo(x, y);
    // The client stands where the server placed it.
    if (move < 1) return;
    const before = this.#shown.get(other) ?? move;
    this.#shown.set(other, move);
    if (counts && move > before) seen.addCorrected(now() - other.dueOf(before + 1), BEAT);
  }

  /** Number of the last move that led to this position. */
  moveTo(x, y) {
    const later = this.moves - (stepTo(x, y) - this.#start);
    return this.moves - (((later % STEPS) + STEPS) % STEPS);
  }

  dueOf(move) {
    return this.#firstDue + (move - 1) * BEAT;
  }

  /** Makes all moves that are due, so that a slow server gets no smaller load. */
  act(at) {
    while (this.due <= at && this.socket.isOpen) {
      if (counts) lateness.add(at - this.due);
      this.moves++;
      this.due += BEAT;
      const { x, y } = placeOf((this.#start + this.moves) % STEPS);
      this.socket.send(this.#dialect.move(x, y));
    }
  }
}

async function join(number, count, Dialect, url) {
  await pause((number * 1000) / RAMP);
  const client = new Client(new Dialect());
  await client.join(url);
  client.socket.looks = number % Math.ceil(count / LOOKERS) === 0;
  clients.push(client);
}

const received = () => clients.reduce((sum, { socket }) => sum + socket.bytes, 0);
const isIn = ({ socket }) => socket.isOpen;
const times = (histogram) => ({
  p50: histogram.at(0.5),
  p99: histogram.at(0.99),
  count: histogram.count,
});

function report(connected, measured = { lost: 0, bytesPerSecond: 0, core: 0 }) {
  return { connected, ...measured, seen: times(seen), lateness: times(lateness) };
}

async function run(Dialect, url, count, length) {
  const act = setInterval(() => {
    const at = now();
    for (const client of clients) if (client.due <= at) client.act(at);
  }, 1);
  const joins = Array.from({ length: count }, (_, number) => join(number, count, Dialect, url));
  await Promise.race([Promise.all(joins), pause((count * 1000) / RAMP + JOIN_WITHIN)]);
  const connected = clients.length;
  if (connected < count) return report(connected);
  console.log("in");
  await pause(WARM_UP);
  const [from, bytes, cpu] = [now(), received(), process.cpuUsage()];
  counts = true;
  await pause(length);
  counts = false;
  clearInterval(act);
  const [seconds, used] = [(now() - from) / 1000, process.cpuUsage(cpu)];
  return report(connected, {
    lost: connected - clients.filter(isIn).length,
    bytesPerSecond: (received() - bytes) / seconds / connected,
    core: (used.user + used.system) / 1e6 / seconds,
  });
}

const text = { type: "string" };
const { values } = parseArgs({ options: { server: text, url: text, clients: text, for: text } });
const [, amount, unit] = /^(\d+)([sm])$/.exec(values.for ?? "30s") ?? [];
const count = Number(values.clients ?? 100);
const Dialect = DIALECTS[values.server];
if (!Dialect) throw new Error(`--server is one of ${Object.keys(DIALECTS).join(", ")}`);
if (!URL.canParse(values.url)) throw new Error("--url is the server's address");
if (!(count >= 2)) throw new Error("--clients is how many, two or more");
if (!unit) throw new Error("--for is a number of seconds or minutes: 30s, 2m");
console.log(JSON.stringify(await run(Dialect, values.url, count, amount * MILLISECONDS[unit])));
process.exit();
