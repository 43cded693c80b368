/**
 * Tidy: measures how the source reads, and fails when a figure passes its limit.
 *
 * Counted: odd words, lines over 100 columns, documentation that is a bare question word, type
 * names that two modules define, long files of Rust, casts and index expressions of Rust, import
 * cycles between files, imports of a higher layer, long functions of the client, long pages, pages
 * that the map does not name, links of documents that lead nowhere, and the files that know of one
 * example of a feature: as many as a newcomer edits to add another.
 *
 * Use: node scripts/tidy.mjs [--list]. `--list` names every place.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
const LISTS = process.argv.includes("--list");

/** Words that standard English of this field does not use. Counted whole, in any case. */
const ODD =
  /\b(whoever|whomever|whom|somebody|nobody|anybody|somewhere|wherever|whatever|anew|thereof|shall|meanwhile|beside|as ever|so many|no more|wants? in|give out|lets? go)\b/gi;

/** Widest line, in columns. */
const WIDTH = 100;

/** How many files of Rust may have more lines. */
const LENGTHS = [
  { lines: 600, limit: 0 },
  { lines: 500, limit: 6 },
];

/** Longest function of the client. */
const FUNCTION_LINES = 80;

/** Most words of prose on a page, which can be read in five minutes. Tables are looked up. */
const PAGE_WORDS = 1_200;

/** Most words of the page about the architecture, tables among them. */
const ARCHITECTURE_WORDS = 1_500;

/**
 * Expressions of Rust that are correct only for some values, and how many there may be per 1,000
 * lines of code: no comments, blank lines and tests. A conversion that can fail is written with
 * `try_from`, one that cannot with `from`.
 */
const UNCHECKED = [
  { what: "casts (`as`)", sign: /\bas (?:[iu](?:8|16|32|64|128|size)|f32|f64|char|_)\b/g, limit: 4 },
  { what: "index expressions", sign: /[\w)\]?]\[/g, limit: 3 },
];

/** Type names that several modules may define, and why. */
const SHARED_NAMES = new Map([
  ["Err", "an associated type of the standard library's FromStr"],
  ["Error", "an associated type of library traits"],
  ["Output", "an associated type of operators"],
  ["Data", "an associated type of http_body"],
  ["Rejection", "an associated type of axum"],
]);

const anyOf = (patterns) => new RegExp(patterns.map(({ source }) => source).join("|"), "m");

/**
 * Features, with one example of each: what its files name, and in how many it may stand. Tests,
 * generated files and the decoders of old checkpoints are not counted.
 */
const FEATURES = [
  {
    what: "files of a binary message both ways (knocking at a private zone)",
    names: anyOf([
      /\bZone(C2s|S2c|Command|Fact)::Knock/,
      /\bKnock(ed)?(C2s|S2c)\b/,
      /^ +Knock(ed)? \{/,
      /type: "Knock"|case "Knocked"/,
    ]),
    domain: /zone/,
    limit: 6,
  },
  {
    what: "files of the server for a field of a player's card (status)",
    names: /\bstatus: (Status|u8),|\b(card|person|saved)\.status\b|\?\.status\b/,
    domain: /^src/,
    limit: 6,
  },
  {
    what: "files of an emote (applauding)",
    names: /\bapplaud\b/i,
    domain: /./,
    limit: 2,
  },
  {
    what: "files of a zone kind, without docs/maps.md (silent zones)",
    names: /\bZoneKind::Silent\b|"silent"|^ +silent: \{/m,
    domain: /./,
    limit: 3,
  },
  {
    what: "files of a system with saved state (locks)",
    names: /\bmod locks;|\blocks::plugin|"locks"/,
    domain: /systems|space/,
    limit: 3,
  },
];

/** Modules from the lowest layer up. Modules of one layer do not use each other. */
const LAYERS = layersOfTheTest();

function* walk(folder, pattern) {
  for (const entry of readdirSync(join(ROOT, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) {
      if (!["node_modules", "target", "dist"].includes(entry.name)) yield* walk(path, pattern);
    } else if (pattern.test(entry.name)) yield path;
  }
}

const read = (path) => readFileSync(join(ROOT, path), "utf8");
const isTest = (path) => /(^|\/)(tests|simulation|golden)(\.rs$|\/)/.test(path);
const isGenerated = (path) => /\.gen\.ts$/.test(path);
const rust = [...walk("src", /\.rs$/)];
const tests = [...walk("tests", /\.rs$/)];
const web = [...walk("web/src", /\.tsx?$/)].filter((path) => !isGenerated(path));
const CHANGES = "CHANGELOG.md";
const pages = [...walk("docs", /\.md$/), "README.md", "CONTRIBUTING.md", CHANGES];

const rows = [];
function row(what, found, limit, places) {
  rows.push({ what, found, limit, fails: found > limit });
  if (LISTS || found > limit)
    for (const place of places.slice(0, LISTS ? Infinity : 30)) console.log(`${what}: ${place}`);
}

function perThousand(name, paths) {
  let lines = 0;
  const places = [];
  for (const path of paths) {
    for (const [index, line] of read(path).split("\n").entries()) {
      lines++;
      for (const match of line.matchAll(ODD)) places.push(`${path}:${index + 1}: ${match[0]}`);
    }
  }
  row(
    `odd words per 1,000 lines, ${name}`,
    Math.round((10_000 * places.length) / lines) / 10,
    1,
    places,
  );
}

/** Lines of Markdown that are prose: no tables, no code, nothing that holds a long address. */
function* prose(text) {
  let isCode = false;
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*(```|~~~)/.test(line)) isCode = !isCode;
    else if (!isCode && !/^\s*\|/.test(line) && !/\S{60,}/.test(line) && !/^\s*<|^!?\[/.test(line))
      yield [index, line];
  }
}

const wordsOf = (text) => text.split(/\s+/).filter(Boolean).length;

/** Text outside of tables, code and comments. */
const proseOf = (text) =>
  text.replace(/^\s*```[\s\S]*?^\s*```/gm, "").replace(/^\s*(\||<!--).*$/gm, "");

function pageLengths() {
  // The list of changes only grows, and is looked up.
  const pagesToRead = pages.filter((path) => path !== CHANGES);
  const long = pagesToRead.flatMap((path) => {
    const words = wordsOf(proseOf(read(path)));
    return words > PAGE_WORDS ? [`${path}: ${words} words`] : [];
  });
  row(`pages of over ${PAGE_WORDS} words besides tables`, long.length, 0, long);
  const architecture = wordsOf(read("docs/ARCHITECTURE.md"));
  row("words of docs/ARCHITECTURE.md", architecture, ARCHITECTURE_WORDS, []);
  const map = read("docs/REPOSITORY.md");
  const unnamed = pages.filter(
    (path) => path.startsWith("docs/") && !map.includes(path.slice("docs/".length)),
  );
  row("pages that docs/REPOSITORY.md does not name", unnamed.length, 0, unnamed);
}

/** The anchors that a page's headings have on GitHub. */
const anchorsOf = (text) =>
  [...text.replace(/^\s*```[\s\S]*?^\s*```/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, "")
      .replaceAll(" ", "-"),
  );

/** Links between documents, and pages that the code names. */
function links() {
  const places = [];
  for (const path of [...pages, "deploy/README.md"]) {
    const text = read(path).replace(/^\s*```[\s\S]*?^\s*```|`[^`\n]*`/gm, "");
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file, anchor] = target.split("#");
      const to = file ? join(dirname(path), file) : path;
      const isThere =
        existsSync(join(ROOT, to)) && (!anchor || anchorsOf(read(to)).includes(anchor));
      if (!isThere) places.push(`${path}: ${target}`);
    }
  }
  const code = [...rust, ...tests, ...web, ...walk("scripts", /\.mjs$/), "Makefile"];
  for (const path of code) {
    for (const [page] of read(path).matchAll(/\bdocs\/\w[\w-]*\.(md|json)\b/g))
      if (!existsSync(join(ROOT, page))) places.push(`${path}: ${page}`);
  }
  row("links of documents that lead nowhere", places.length, 0, places);
}

function widths() {
  const places = [];
  const note = (path, index, line) => {
    if ([...line].length > WIDTH) places.push(`${path}:${index + 1}: ${[...line].length} columns`);
  };
  for (const path of [...rust, ...web])
    for (const [index, line] of read(path).split("\n").entries()) note(path, index, line);
  for (const path of pages) for (const [index, line] of prose(read(path))) note(path, index, line);
  row(`lines over ${WIDTH} columns`, places.length, 0, places);
}

function lengths() {
  const files = rust.map((path) => ({ path, lines: read(path).split("\n").length - 1 }));
  for (const { lines, limit } of LENGTHS) {
    const long = files.filter((file) => file.lines > lines);
    row(
      `files of src with over ${lines} lines`,
      long.length,
      limit,
      long.map((file) => `${file.path}: ${file.lines}`),
    );
  }
}

/** Files of modules that are only compiled for tests. */
function testFiles() {
  const found = new Set(rust.filter(isTest));
  for (const path of rust) {
    const folder = path.replace(/(\/mod|\/lib)?\.rs$/, "");
    for (const [, name] of read(path).matchAll(
      /#\[cfg\(test\)\]\n(?:pub(?:\([^)]*\))? )?mod (\w+);/g,
    )) {
      const module = `${folder}/${name}`;
      for (const file of rust)
        if (file === `${module}.rs` || file.startsWith(`${module}/`)) found.add(file);
    }
  }
  return found;
}

function unchecked() {
  const places = UNCHECKED.map(() => []);
  let count = 0;
  const forTests = testFiles();
  for (const path of rust.filter((path) => !forTests.has(path))) {
    for (const [index, line] of code(read(path)).split("\n").entries()) {
      if (!line.trim()) continue;
      count++;
      for (const [at, { sign }] of UNCHECKED.entries())
        for (const match of line.matchAll(sign))
          places[at].push(`${path}:${index + 1}: ${match[0]}`);
    }
  }
  for (const [at, { what, limit }] of UNCHECKED.entries())
    row(
      `${what} per 1,000 lines of src`,
      Math.round((10_000 * places[at].length) / count) / 10,
      limit,
      places[at],
    );
}

/** Documentation that only asks: "Who.", "Looking where." */
function questions() {
  const places = [];
  for (const path of rust) {
    for (const match of read(path).matchAll(/((?:^[ \t]*\/\/\/.*\n)+)/gm)) {
      const text = match[1].replace(/^\s*\/\/\/ ?/gm, "").trim();
      if (/^(?:\w+ )?(?:who|whom|whose|what|where|when|which|why|how)(?: \w+)?[.?]?$/i.test(text)) {
        places.push(`${path}:${lineOf(read(path), match.index)}: ${text}`);
      }
    }
  }
  row("documentation that is a bare question word", places.length, 0, places);
}

const lineOf = (text, index) => text.slice(0, index).split("\n").length;

function typeNames() {
  const files = new Map();
  for (const path of rust) {
    for (const [, , name] of read(path).matchAll(
      /^\s*(?:pub(?:\([^)]*\))? )?(struct|enum|trait|type) (\w+)/gm,
    )) {
      files.set(name, (files.get(name) ?? new Set()).add(path));
    }
  }
  const twice = [...files].filter(([name, paths]) => paths.size > 1 && !SHARED_NAMES.has(name));
  row(
    "type names in two or more modules",
    twice.length,
    0,
    twice.map(([name, paths]) => `${name}: ${[...paths].join(", ")}`),
  );
}

/** Rust without comments, strings and test modules. Every line keeps its number. */
function code(text) {
  const emptied = (string) => `""${"\n".repeat(string.split("\n").length - 1)}`;
  const bare = text
    .replace(/\/\/.*$/gm, "")
    .replace(/'\\?"'/g, "' '")
    .replace(/r#"[\s\S]*?"#/g, emptied)
    .replace(/"(?:\\[\s\S]|[^"\\])*"/g, emptied);
  const at = bare.search(/^#\[cfg\(test\)\]\n(?:#\[.*\]\n)*mod \w+ \{/m);
  return at < 0 ? bare : bare.slice(0, at);
}

const moduleOf = (path) =>
  path
    .replace(/^src\//, "")
    .replace(/\.rs$/, "")
    .replace(/\/mod$/, "")
    .replaceAll("/", "::");

/** Every path of a use declaration, with its groups opened. */
function open(tree, prefix = "") {
  const paths = [];
  let depth = 0;
  let part = "";
  for (const sign of `${tree},`) {
    if (sign === "{") depth++;
    if (sign === "}") depth--;
    if (sign === "," && depth === 0) {
      const item = part.trim();
      part = "";
      if (!item) continue;
      const group = item.match(/^(.*?)::\s*\{([\s\S]*)\}$|^()\{([\s\S]*)\}$/);
      if (group)
        paths.push(...open(group[2] ?? group[4], prefix + (group[1] ? `${group[1]}::` : "")));
      else paths.push((prefix + item.replace(/\s+as\s+\w+$/, "")).replace(/\s/g, ""));
    } else part += sign;
  }
  return paths;
}

/** Which file each file imports from. */
function imports() {
  const modules = new Map(rust.map((path) => [moduleOf(path), path]));
  const graph = new Map();
  for (const [module, path] of modules) {
    if (isTest(path)) continue;
    const text = code(read(path));
    const named = [...text.matchAll(/\buse\s+([^;]+);/g)].flatMap((match) => open(match[1]));
    const rest = text.replace(/\buse\s+[^;]+;/g, "");
    named.push(...[...rest.matchAll(/\b(?:crate|super|self)(?:::\w+)+/g)].map((match) => match[0]));
    const to = new Set();
    for (const name of named) {
      let parts = name.split("::");
      if (parts[0] === "crate") parts = parts.slice(1);
      else if (parts[0] === "self") parts = [...module.split("::"), ...parts.slice(1)];
      else if (parts[0] === "super") {
        let from = module.split("::");
        while (parts[0] === "super") [from, parts] = [from.slice(0, -1), parts.slice(1)];
        parts = [...from, ...parts];
      } else if (modules.has([module, parts[0]].join("::")))
        parts = [...module.split("::"), ...parts];
      else continue;
      for (let length = parts.length; length > 0; length--) {
        const target = parts.slice(0, length).join("::");
        if (modules.has(target)) {
          if (target !== module && !isTest(modules.get(target))) to.add(target);
          break;
        }
      }
    }
    graph.set(module, to);
  }
  return graph;
}

/** A folder's `mod.rs` and the files in it know each other; that is no cycle. */
const isKin = (one, other) => one.startsWith(`${other}::`) || other.startsWith(`${one}::`);

function cycles(graph) {
  const found = [];
  const index = new Map();
  const low = new Map();
  const stack = [];
  const visit = (node) => {
    index.set(node, index.size);
    low.set(node, index.get(node));
    stack.push(node);
    for (const next of graph.get(node) ?? []) {
      if (isKin(node, next)) continue;
      if (!index.has(next)) {
        visit(next);
        low.set(node, Math.min(low.get(node), low.get(next)));
      } else if (stack.includes(next)) low.set(node, Math.min(low.get(node), index.get(next)));
    }
    if (low.get(node) === index.get(node)) {
      const group = stack.splice(stack.indexOf(node));
      if (group.length > 1) found.push(group.sort().join(" ↔ "));
    }
  };
  for (const node of graph.keys()) if (!index.has(node)) visit(node);
  row("import cycles between files", found.length, 0, found);
}

/** The layers, as `tests/it/architecture.rs` lists them. */
function layersOfTheTest() {
  const text = readFileSync(join(ROOT, "tests/it/architecture.rs"), "utf8");
  const list = text.match(/const LAYERS: &\[&\[&str\]\] = &\[\n([\s\S]*?)\n\];/)?.[1] ?? "";
  return [...list.matchAll(/&\[([^\]]*)\]/g)].map((layer) =>
    [...layer[1].matchAll(/"([^"]+)"/g)].map((name) => name[1]),
  );
}

function upward(graph) {
  const layer = (module) =>
    LAYERS.findIndex((names) =>
      names.some((name) => module === name || module.startsWith(`${name}::`)),
    );
  const found = [];
  for (const [from, targets] of graph) {
    for (const to of targets)
      if (layer(from) >= 0 && layer(to) > layer(from)) found.push(`${from} → ${to}`);
  }
  row("imports of a higher layer", found.length, 0, found);
}

/** `world/` of the client is functions over plain data: it knows no other folder. */
function worldly() {
  const found = web
    .filter((path) => path.startsWith("web/src/world/") && !/\.test\.ts$/.test(path))
    .flatMap((path) =>
      [...read(path).matchAll(/from "(?!\.\/)([^"]+)"/g)].map(([, from]) => `${path} → ${from}`),
    );
  row("imports of web/src/world from outside", found.length, 0, found);
}

/** Where a function of the client begins, with its indentation. */
const FUNCTION =
  /^( *)(?:export )?(?:async )?(?:function\b|const \w+ = (?:async )?\(|(?:(?:static|async|get|set) )*#?\w+(?:<[^>]*>)?\()/;

/**
 * Functions of the client, from their first line to their last. The formatter indents: a function
 * ends with the next line as far to the left that closes something and opens nothing.
 */
function functions() {
  const places = [];
  for (const path of web.filter((path) => !/\.test\.tsx?$/.test(path))) {
    const lines = read(path).split("\n");
    for (const [index, line] of lines.entries()) {
      const indent = line.match(FUNCTION)?.[1];
      if (indent === undefined || !/[({]$/.test(line) || /^ *(?:if|for|while|switch)\b/.test(line))
        continue;
      const ends = (other) =>
        other.startsWith(indent) &&
        /^[)}\]]/.test(other.slice(indent.length)) &&
        !/[({[]$/.test(other);
      const end = lines.findIndex((other, at) => at > index && ends(other));
      if (end - index + 1 > FUNCTION_LINES)
        places.push(`${path}:${index + 1}: ${end - index + 1} lines`);
    }
  }
  row(`functions of web/src over ${FUNCTION_LINES} lines`, places.length, 0, places);
}

/** Text of a file without its tests. */
const withoutTests = (path) => read(path).split("#[cfg(test)]\nmod tests")[0];

function features() {
  const counted = [...rust, ...web].filter(
    (path) => !/\.test\.tsx?$|\/tests?(\/|\.rs$)|\/legacy\.rs$/.test(path),
  );
  for (const { what, names, domain, limit } of FEATURES) {
    const files = counted.filter((path) => domain.test(path) && names.test(withoutTests(path)));
    row(what, files.length, limit, files);
  }
}

perThousand("src", rust);
perThousand("web/src", web);
perThousand("docs", pages);
perThousand("tests", tests);
widths();
lengths();
pageLengths();
links();
unchecked();
questions();
typeNames();
const graph = imports();
cycles(graph);
upward(graph);
worldly();
functions();
features();
for (const { what, found, limit, fails } of rows)
  console.log(`${fails ? "✗" : "✓"} ${what}: ${found} (at most ${limit})`);
const failed = rows.filter(({ fails }) => fails).length;
console.log(`${rows.length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
