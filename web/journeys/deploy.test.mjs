/**
 * Deploy: the example files are parsed by the tools they are for, or checked against the same
 * rules.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { BlockList } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { BINARY } from "./plaza.mjs";

const path = (name) => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));
const text = (name) => readFileSync(path(name), "utf8");

/** The documents of a YAML file; fails on any parse error. */
function documents(name) {
  return parseAllDocuments(text(name), { merge: true, strict: true, uniqueKeys: true }).map(
    (document) => {
      assert.deepEqual(document.errors, []);
      assert.deepEqual(document.warnings, []);
      return document.toJS();
    },
  );
}

/** Every setting of the server, by its environment variable. */
function variables() {
  const { stdout } = spawnSync(BINARY, ["serve", "--help"], { encoding: "utf8" });
  return new Set(stdout.match(/PLAZA_[A-Z_]+/g));
}

for (const example of ["nginx.conf", "nginx-path.conf"])
  test(`nginx accepts ${example}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "plaza-nginx-"));
    const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
    const words = ["-t", "-p", folder, "-c", path(example), "-g", `pid ${folder}/pid;`];
    const { stderr } = spawnSync("nginx", words, { encoding: "utf8", env });
    rmSync(folder, { recursive: true });
    assert.match(stderr, /syntax is ok/);
  });

test("the balancer never marks a process as failed, since open sockets would not bring it back", () => {
  const servers = text("nginx.conf").match(/^ +server 10\..+;$/gm);
  assert.ok(servers.length > 1);
  for (const server of servers) assert.match(server, / max_fails=0;$/);
});

test("nginx accepts the example with https", () => {
  const folder = mkdtempSync(join(tmpdir(), "plaza-nginx-"));
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` };
  const tls = join(folder, "tls");
  mkdirSync(tls);
  const pem = (name) => join(tls, `${name}.pem`);
  const certificate = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
  ];
  certificate.push("-subj", "/CN=localhost", "-keyout", pem("privkey"), "-out", pem("fullchain"));
  assert.equal(spawnSync("openssl", certificate).status, 0);
  writeFileSync(
    join(folder, "tls.conf"),
    text("tls.conf").replaceAll("/etc/plaza/tls/", `${tls}/`),
  );
  const example = text("nginx.conf");
  assert.match(example, /listen 80;/);
  writeFileSync(
    join(folder, "nginx.conf"),
    example.replace("listen 80;", `include ${folder}/tls.conf;`),
  );
  const words = ["-t", "-p", folder, "-c", join(folder, "nginx.conf"), "-g", `pid ${folder}/pid;`];
  const { stderr } = spawnSync("nginx", words, { encoding: "utf8", env });
  rmSync(folder, { recursive: true });
  assert.match(stderr, /syntax is ok/);
});

/** Checks that each of these is a secret that the operator must provide. */
function hasNoSecrets(name) {
  for (const [, variable, mark] of text(name).matchAll(/\$\{(\w+)(:?[-?]?)/g)) {
    assert.equal(mark, ":?", `${name}: ${variable} has a default, or may be empty`);
  }
  assert.doesNotMatch(text(name), /change-?me/i, name);
}

/** Whether a network is at most a /24; a single address counts as one. */
const narrow = (network) => Number(network.split("/")[1] ?? 32) >= 24;

/**
 * Checks that the SFU's port is open to browsers on both protocols, under the number that they are
 * told.
 */
function takesMedia(listen, published) {
  const port = listen.split(":").at(-1);
  for (const protocol of ["tcp", "udp"])
    assert.ok(published.includes(`${port}:${port}/${protocol}`), `${port} ${protocol}`);
}

test("compose: every process accepts calls, and no secret has a default", () => {
  const [{ services, networks }] = documents("compose.yaml");
  hasNoSecrets("compose.yaml");
  const ports = new Set();
  for (const service of [services.a, services.b, services.c]) {
    const { PLAZA_MEDIA_LISTEN, PLAZA_MEDIA_ADDRESS, PLAZA_TRUSTED_PROXIES } = service.environment;
    takesMedia(PLAZA_MEDIA_LISTEN, service.ports);
    ports.add(PLAZA_MEDIA_LISTEN);
    assert.match(PLAZA_MEDIA_ADDRESS, /:\?/);
    assert.equal(PLAZA_TRUSTED_PROXIES, services.nginx.networks.default.ipv4_address);
  }
  assert.equal(ports.size, 3);
  const [{ subnet }] = networks.default.ipam.config;
  assert.ok(services.nginx.networks.default.ipv4_address.startsWith(subnet.replace(/0\/24$/, "")));
  assert.deepEqual(services.nginx.ports, ["443:443"]);
  assert.ok(services.nginx.command[2].includes("include /etc/plaza/tls.conf;"));
});

test("kubernetes: every process accepts calls, and no secret has a default", () => {
  const all = documents("kubernetes.yaml");
  const of = (kind) => all.find((one) => one.kind === kind && one.metadata.name === "plaza");
  hasNoSecrets("kubernetes.yaml");
  assert.equal(of("Secret").stringData.PLAZA_CLUSTER_SECRET, "");
  assert.doesNotMatch(of("Secret").stringData.PLAZA_DATABASE_URL, /:[^/]*@/);
  const [container] = of("StatefulSet").spec.template.spec.containers;
  const variable = (name) => container.env.find((one) => one.name === name);
  assert.equal(variable("PLAZA_MEDIA_ADDRESS").valueFrom.fieldRef.fieldPath, "status.hostIP");
  const published = container.ports
    .filter(({ hostPort }) => hostPort)
    .map(
      ({ hostPort, containerPort, protocol }) =>
        `${hostPort}:${containerPort}/${protocol.toLowerCase()}`,
    );
  takesMedia(variable("PLAZA_MEDIA_LISTEN").value, published);
  for (const network of of("ConfigMap").data.PLAZA_TRUSTED_PROXIES.split(","))
    assert.ok(narrow(network), network);
  const ingress = of("Ingress").spec;
  assert.deepEqual(
    ingress.tls[0].hosts,
    ingress.rules.map(({ host }) => host),
  );
});

test("coturn relays into no private network", () => {
  const denied = new BlockList();
  for (const [, first, last] of text("turnserver.conf").matchAll(
    /^denied-peer-ip=([^-\n]+)(?:-(.+))?$/gm,
  )) {
    denied.addRange(first, last ?? first, first.includes(":") ? "ipv6" : "ipv4");
  }
  const private4 = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
  ];
  private4.push("192.168.1.1", "198.18.0.1", "239.1.1.1", "255.255.255.255");
  for (const address of private4) assert.ok(denied.check(address), address);
  for (const address of ["::1", "fd00::1", "fe80::1"])
    assert.ok(denied.check(address, "ipv6"), address);
  for (const address of ["203.0.113.7", "172.32.0.1", "100.128.0.1", "9.9.9.9"])
    assert.ok(!denied.check(address), address);
  assert.doesNotMatch(text("turnserver.conf"), /^static-auth-secret/m);
});

test("compose: every process has a name, an address and the same data", () => {
  const [compose] = documents("compose.yaml");
  const { a, b, c, nginx, postgres, redis } = compose.services;
  const known = variables();
  for (const [name, service] of Object.entries({ a, b, c })) {
    assert.equal(service.environment.PLAZA_NODE, name);
    assert.equal(service.environment.PLAZA_LINK_ADDRESS, `${name}:7700`);
    for (const variable of Object.keys(service.environment))
      assert.ok(known.has(variable), variable);
    assert.deepEqual(service.volumes, ["data:/data"]);
    assert.equal(service.read_only, true);
    for (const needed of Object.keys(service.depends_on))
      assert.ok(compose.services[needed].healthcheck, needed);
  }
  assert.deepEqual(nginx.depends_on, ["a", "b", "c"]);
  for (const { volumes = [] } of [a, postgres, redis]) {
    for (const volume of volumes) assert.ok(volume.split(":")[0] in compose.volumes, volume);
  }
  // The addresses that are replaced by names are those of the example.
  for (const address of nginx.command[2].match(/10\.0\.0\.\d+/g))
    assert.ok(text("nginx.conf").includes(address));
});

test("kubernetes: references and names match", () => {
  const all = documents("kubernetes.yaml");
  const of = (kind, name = "plaza") =>
    all.find((one) => one.kind === kind && one.metadata.name === name);
  const { spec } = of("StatefulSet");
  const { labels } = spec.template.metadata;
  const [container] = spec.template.spec.containers;
  assert.ok(of("Service", spec.serviceName));
  for (const { spec } of [of("Service"), of("Service", "plaza-links")])
    assert.deepEqual(spec.selector, labels);
  for (const { spec: other } of [{ spec }, of("PodDisruptionBudget")]) {
    assert.deepEqual(other.selector.matchLabels, labels);
  }
  const ports = Object.fromEntries(
    container.ports.map(({ name, containerPort }) => [name, containerPort]),
  );
  for (const probe of [container.livenessProbe, container.readinessProbe])
    assert.ok(probe.httpGet.port in ports);
  assert.equal(container.readinessProbe.httpGet.path, "/readyz");
  assert.equal(container.livenessProbe.httpGet.path, "/healthz");
  const [{ secretRef }, { configMapRef }] = container.envFrom;
  const given = {
    ...of("Secret", secretRef.name).stringData,
    ...of("ConfigMap", configMapRef.name).data,
  };
  const set = [...Object.keys(given), ...container.env.map(({ name }) => name)];
  const known = variables();
  for (const variable of set) assert.ok(known.has(variable), variable);
  const [{ persistentVolumeClaim }] = spec.template.spec.volumes;
  assert.ok(of("PersistentVolumeClaim", persistentVolumeClaim.claimName));
  const [rule] = of("Ingress").spec.rules;
  assert.equal(rule.http.paths[0].backend.service.name, "plaza");
  // Draining takes 30 s at most, and waits for connections after that.
  assert.ok(spec.template.spec.terminationGracePeriodSeconds >= 45);
});

test("the image copies existing folders and runs as a user other than root", () => {
  const lines = text("Dockerfile").split("\n");
  const copied = lines.filter((line) => line.startsWith("COPY ") && !line.includes("--from"));
  for (const line of copied) {
    for (const source of line.split(" ").slice(1, -1)) {
      assert.ok(existsSync(new URL(`../../${source}`, import.meta.url)), source);
    }
  }
  assert.equal(lines.filter((line) => line.startsWith("USER ")).at(-1), "USER 10001:10001");
});

test("systemd: its settings exist, and it waits for spaces to be handed over", () => {
  const unit = text("plaza.service");
  const value = (name) => new RegExp(`^${name}=(.*)$`, "m").exec(unit)?.[1];
  const { stdout } = spawnSync(BINARY, ["serve", "--help"], { encoding: "utf8" });
  for (const flag of value("ExecStart").match(/--[a-z-]+/g)) assert.ok(stdout.includes(flag), flag);
  assert.equal(value("KillSignal"), "SIGTERM");
  assert.equal(value("TimeoutStopSec"), "60s");
});
