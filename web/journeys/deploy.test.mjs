/** Deploy: the files that people copy are read by the tools they are for, or hold what those would hold them to. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { BINARY } from "./plaza.mjs";

const path = (name) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
const text = (name) => readFileSync(path(name), "utf8");

/** The documents of a YAML file, with everything that is wrong with it as an error. */
function documents(name) {
  return parseAllDocuments(text(name), { merge: true, strict: true, uniqueKeys: true }).map((document) => {
    assert.deepEqual(document.errors, []);
    assert.deepEqual(document.warnings, []);
    return document.toJS();
  });
}

/** Every setting that the server knows, by the name of its variable. */
function variables() {
  const { stdout } = spawnSync(BINARY, ["serve", "--help"], { encoding: "utf8" });
  return new Set(stdout.match(/PLAZA_[A-Z_]+/g));
}

for (const example of ["nginx.conf", "nginx-path.conf"])
  test(`nginx takes ${example}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "plaza-nginx-"));
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
    const words = ["-t", "-p", folder, "-c", path(example), "-g", `pid ${folder}/pid;`];
    const { stderr } = spawnSync("nginx", words, { encoding: "utf8", env });
    rmSync(folder, { recursive: true });
    assert.match(stderr, /syntax is ok/);
  });

test("the balancer never puts a process aside: it would not take it back while people only hold sockets", () => {
  const servers = text("nginx.conf").match(/^ +server 10\..+;$/gm);
  assert.ok(servers.length > 1);
  for (const server of servers) assert.match(server, / max_fails=0;$/);
});

test("compose: every process has a name, an address and the same data", () => {
  const [compose] = documents("compose.yaml");
  const { a, b, c, nginx, postgres, redis } = compose.services;
  const known = variables();
  for (const [name, service] of Object.entries({ a, b, c })) {
    assert.equal(service.environment.PLAZA_NODE, name);
    assert.equal(service.environment.PLAZA_LINK_ADDRESS, `${name}:7700`);
    for (const variable of Object.keys(service.environment)) assert.ok(known.has(variable), variable);
    assert.deepEqual(service.volumes, ["data:/data"]);
    assert.equal(service.read_only, true);
    for (const needed of Object.keys(service.depends_on)) assert.ok(compose.services[needed].healthcheck, needed);
  }
  assert.deepEqual(nginx.depends_on, ["a", "b", "c"]);
  for (const { volumes = [] } of [a, postgres, redis]) {
    for (const volume of volumes) assert.ok(volume.split(":")[0] in compose.volumes, volume);
  }
  // The addresses that are replaced by names are those of the example.
  for (const address of nginx.command[2].match(/10\.0\.0\.\d+/g)) assert.ok(text("nginx.conf").includes(address));
});

test("kubernetes: what belongs together has the same names", () => {
  const all = documents("kubernetes.yaml");
  const of = (kind, name = "plaza") => all.find((one) => one.kind === kind && one.metadata.name === name);
  const { spec } = of("StatefulSet");
  const { labels } = spec.template.metadata;
  const [container] = spec.template.spec.containers;
  assert.ok(of("Service", spec.serviceName));
  for (const { spec } of [of("Service"), of("Service", "plaza-links")]) assert.deepEqual(spec.selector, labels);
  for (const { spec: other } of [{ spec }, of("PodDisruptionBudget")]) {
    assert.deepEqual(other.selector.matchLabels, labels);
  }
  const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]));
  for (const probe of [container.livenessProbe, container.readinessProbe]) assert.ok(probe.httpGet.port in ports);
  assert.equal(container.readinessProbe.httpGet.path, "/readyz");
  assert.equal(container.livenessProbe.httpGet.path, "/healthz");
  const [{ secretRef }] = container.envFrom;
  const set = [...Object.keys(of("Secret", secretRef.name).stringData), ...container.env.map(({ name }) => name)];
  const known = variables();
  for (const variable of set) assert.ok(known.has(variable), variable);
  const [{ persistentVolumeClaim }] = spec.template.spec.volumes;
  assert.ok(of("PersistentVolumeClaim", persistentVolumeClaim.claimName));
  const [rule] = of("Ingress").spec.rules;
  assert.equal(rule.http.paths[0].backend.service.name, "plaza");
  // Draining takes 30 s at most, and waits for connections after that.
  assert.ok(spec.template.spec.terminationGracePeriodSeconds >= 45);
});

test("the image copies folders that are there, and ends on a user who is not root", () => {
  const lines = text("Dockerfile").split("\n");
  const copied = lines.filter((line) => line.startsWith("COPY ") && !line.includes("--from"));
  for (const line of copied) {
    for (const source of line.split(" ").slice(1, -1)) {
      assert.ok(existsSync(new URL(`../../${source}`, import.meta.url)), source);
    }
  }
  assert.equal(lines.filter((line) => line.startsWith("USER ")).at(-1), "USER 10001:10001");
});

test("systemd: settings it names are those of the program, and it waits for spaces to leave", () => {
  const unit = text("plaza.service");
  const value = (name) => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1];
  const { stdout } = spawnSync(BINARY, ["serve", "--help"], { encoding: "utf8" });
  for (const flag of value("ExecStart").match(/--[a-z-]+/g)) assert.ok(stdout.includes(flag), flag);
  assert.equal(value("KillSignal"), "SIGTERM");
  assert.equal(value("TimeoutStopSec"), "60s");
});
