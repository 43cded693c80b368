/**
 * Markdown: the small part of it that chat understands, as plain data: bold, italic, code, links,
 * pictures of this server, and names with an @. It is shown as text, never as HTML, so nothing that
 * people write can become more than words.
 */

export type Span =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "bold" | "italic"; spans: Span[] }
  /** `host` is where it leads, when its text says otherwise. */
  | { kind: "link"; text: string; href: string; host?: string }
  | { kind: "picture"; src: string }
  | { kind: "mention"; text: string; isMe: boolean };

export type Block = { kind: "words"; spans: Span[] } | { kind: "code"; text: string };

/** Whose names are known: the own one, and those of others. */
export interface Names {
  me: string;
  others: readonly string[];
}

const NO_NAMES: Names = { me: "", others: [] };
/** Bold in italic in bold is deep enough; a long run of stars must not nest without end. */
const DEPTH = 3;
/**
 * Pictures that people uploaded, by the hash of their bytes; no other address in a message is
 * fetched.
 */
const PICTURE = /^!\[[^\]\n]{0,200}\]\((\/files\/[0-9a-f]{64}\.(?:png|jpg))\)/;
const LINK = /^\[([^\]\n]{1,500})\]\((https?:\/\/[^\s()<>]{1,2000})\)/i;
const ADDRESS = /^https?:\/\/[^\s<>"]{1,2000}/i;
const WORD = /[\p{L}\p{N}_]/u;

/** Texts that are remembered, for each set of names. */
const REMEMBERED = 1000;
const parsed = new WeakMap<Names, Map<string, Block[]>>();

/**
 * A message as blocks: words, and code between fences of three backticks. The same message is
 * parsed once, however often it is shown; names count only where a name may be mentioned.
 */
export function parse(text: string, names: Names = NO_NAMES): readonly Block[] {
  const counted = text.includes("@") ? names : NO_NAMES;
  let known = parsed.get(counted);
  if (!known) {
    known = new Map();
    parsed.set(counted, known);
  }
  let blocks = known.get(text);
  if (!blocks) {
    blocks = blocksOf(text, counted);
    const oldest = known.size >= REMEMBERED ? known.keys().next().value : undefined;
    if (oldest !== undefined) known.delete(oldest);
    known.set(text, blocks);
  }
  return blocks;
}

function blocksOf(text: string, names: Names): Block[] {
  const blocks: Block[] = [];
  let rest = text;
  for (;;) {
    const fence = /(?:^|\n)```[\w+#.-]*\n([\s\S]*?)\n?```(?:\n|$)/.exec(rest);
    const words = fence ? rest.slice(0, fence.index) : rest;
    if (words !== "") blocks.push({ kind: "words", spans: spansOf(words, sorted(names), DEPTH) });
    if (!fence) return blocks;
    blocks.push({ kind: "code", text: fence[1] ?? "" });
    rest = rest.slice(fence.index + fence[0].length);
  }
}

/** The words alone, for a speech bubble or a notification. */
export function plain(text: string): string {
  const wordsOf = (spans: Span[]): string =>
    spans
      .map((span) => {
        if ("spans" in span) return wordsOf(span.spans);
        if ("src" in span) return "🖼️";
        return span.kind === "link" && span.host ? `${span.text} (${span.host})` : span.text;
      })
      .join("");
  return parse(text)
    .map((block) => (block.kind === "code" ? block.text : wordsOf(block.spans)))
    .join("\n");
}

/** Whether the words mention this name. */
export function mentions(text: string, name: string): boolean {
  const isCalled = (spans: Span[]): boolean =>
    spans.some(
      (span) =>
        (span.kind === "mention" && span.isMe) ||
        ((span.kind === "bold" || span.kind === "italic") && isCalled(span.spans)),
    );
  return (
    name !== "" &&
    parse(text, only(name)).some((block) => block.kind === "words" && isCalled(block.spans))
  );
}

let lastOnly: Names = NO_NAMES;

/** One name alone; the same object for the same name, as what was parsed is remembered by it. */
function only(me: string): Names {
  if (lastOnly.me !== me) lastOnly = { me, others: [] };
  return lastOnly;
}

interface Sorted {
  me: string;
  /** In small letters, the longest first: "@Ann Lee" is not "@Ann". */
  all: string[];
}

function sorted({ me, others }: Names): Sorted {
  const all = [me, ...others].filter((name) => name !== "").map((name) => name.toLowerCase());
  all.sort((a, b) => b.length - a.length);
  return { me: me.toLowerCase(), all };
}

function spansOf(text: string, names: Sorted, depth: number): Span[] {
  const spans: Span[] = [];
  const unended = new Set<string>();
  let words = "";
  let at = 0;
  const take = (span: Span, length: number) => {
    if (words !== "") spans.push({ kind: "text", text: words });
    words = "";
    spans.push(span);
    at += length;
  };
  while (at < text.length) {
    const found = spanAt(text, at, names, depth, unended);
    if (found) take(found.span, found.length);
    else words += text[at++];
  }
  if (words !== "") spans.push({ kind: "text", text: words });
  return spans;
}

interface Found {
  span: Span;
  length: number;
}

/**
 * What begins right there, if anything. `unended` holds the marks that end nowhere behind an
 * earlier place, so that none of them is looked for again.
 */
function spanAt(
  text: string,
  at: number,
  names: Sorted,
  depth: number,
  unended: Set<string>,
): Found | undefined {
  const before = text[at - 1] ?? "";
  switch (text[at]) {
    case "`":
      return code(text, at);
    case "*":
      return emphasis(text, at, "*", names, depth, unended);
    case "_":
      return WORD.test(before) ? undefined : emphasis(text, at, "_", names, depth, unended);
    case "!": {
      const [whole, src] = PICTURE.exec(text.slice(at, at + 400)) ?? [];
      return whole && src ? { span: { kind: "picture", src }, length: whole.length } : undefined;
    }
    case "[": {
      const [whole, words, href] = LINK.exec(text.slice(at, at + 2600)) ?? [];
      return whole && words && href ? link(words, href, whole.length) : undefined;
    }
    case "h":
    case "H": {
      if (WORD.test(before)) return undefined;
      const address = ADDRESS.exec(text.slice(at, at + 2100))?.[0];
      const href = address && withoutEnd(address);
      return href ? link(href, href, href.length) : undefined;
    }
    case "@":
      return WORD.test(before) ? undefined : mention(text, at, names);
    default:
      return undefined;
  }
}

function code(text: string, at: number): Found | undefined {
  const end = text.indexOf("`", at + 1);
  if (end <= at + 1) return undefined;
  const inside = text.slice(at + 1, end);
  return inside.includes("\n")
    ? undefined
    : { span: { kind: "code", text: inside }, length: end + 1 - at };
}

/** Between one mark or two, with words right behind the first and right before the last. */
function emphasis(
  text: string,
  at: number,
  mark: string,
  names: Sorted,
  depth: number,
  unended: Set<string>,
): Found | undefined {
  const isDouble = text[at + 1] === mark;
  const marks = isDouble ? mark + mark : mark;
  if (depth === 0 || unended.has(marks)) return undefined;
  const from = at + marks.length;
  if (/\s/.test(text[from] ?? " ") || text[from] === mark) return undefined;
  for (let end = text.indexOf(marks, from + 1); end > 0; end = text.indexOf(marks, end + 1)) {
    // Two marks end what two began, and one what one did.
    const isOther = !isDouble && text[end + 1] === mark;
    if (isOther) {
      end++;
      continue;
    }
    if (/\s/.test(text[end - 1] ?? " ")) continue;
    if (mark === "_" && WORD.test(text[end + marks.length] ?? "")) continue;
    const spans = spansOf(text.slice(from, end), names, depth - 1);
    return { span: { kind: isDouble ? "bold" : "italic", spans }, length: end + marks.length - at };
  }
  unended.add(marks);
  return undefined;
}

/** Only addresses that browsers understand, and only of the web. */
function link(text: string, address: string, length: number): Found | undefined {
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return undefined;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return undefined;
  const host = isHonest(text, url) ? undefined : url.hostname;
  return {
    span: { kind: "link", text, href: url.href, ...(host !== undefined && { host }) },
    length,
  };
}

/** Longest text of a link that is compared with its address; NFKC makes long ones much longer. */
const COMPARED = 1000;
const LABELS = /[\p{L}\p{M}\p{N}_.。．｡-]+/gu;
const STOP = /[.。．｡]/u;
const LAST_LABEL = /^(?:xn--[a-z0-9-]+|[\p{L}\p{M}]{2,})/iu;

interface NamedHost {
  name: string;
  index: number;
}

/**
 * What looks like the name of a host: parts between full stops, the last of letters. Without a
 * pattern for the whole name, which would try every part of a long word.
 */
function hostsIn(text: string): NamedHost[] {
  const hosts: NamedHost[] = [];
  for (const { 0: run, index } of text.matchAll(LABELS)) {
    let labels: string[] = [];
    let at = index;
    for (const label of [...run.split(STOP), ""]) {
      if (label !== "") {
        labels.push(label);
        continue;
      }
      const last = labels.findLastIndex((label, number) => number > 0 && LAST_LABEL.test(label));
      if (last > 0) {
        const end = LAST_LABEL.exec(labels[last] ?? "")?.[0] ?? "";
        hosts.push({ name: [...labels.slice(0, last), end].join("."), index: at });
      }
      at += labels.join(".").length + 1;
      labels = [];
    }
  }
  return hosts;
}

/**
 * Whether every host that a text names is the one it leads to. Of one that is written in other
 * letters the real name is always shown.
 */
function isHonest(text: string, { hostname }: URL): boolean {
  // Letters that look like others, and marks that show nothing, must not hide a name.
  const plainText = text.normalize("NFKC").replace(/\p{Cf}/gu, "");
  if (plainText.length > COMPARED) return false;
  if (hostname.includes("xn--") && !plainText.toLowerCase().includes(hostname)) return false;
  return hostsIn(plainText).every(({ name }, number, all) => {
    // Behind the host a path may name files, as "page.html" in "example.org/page.html".
    if (number > 0 && isPath(plainText, all)) return true;
    const host = hostOf(name);
    return host === undefined || hostname === host || hostname.endsWith(`.${host}`);
  });
}

/** Whether a text is an address, or the beginning of one, that names its host first. */
function isPath(text: string, [first]: NamedHost[]): boolean {
  const rest = first ? text.slice(first.index + first.name.length) : "";
  return /^(?::\d+)?[/?#]\S*$/.test(rest.trimEnd());
}

function hostOf(named: string): string | undefined {
  try {
    return new URL(`http://${named}`).hostname.replace(/^www\./, "");
  } catch {
    return undefined;
  }
}

/** A full stop behind an address, or a bracket around it, is not part of it. */
function withoutEnd(address: string): string {
  let end = address.length;
  let unopened = address.split(")").length - address.split("(").length;
  while (end > 0) {
    const last = address[end - 1] ?? "";
    const isOpen = last === ")" && unopened <= 0;
    if (isOpen || !/[.,;:!?)'*_\]]/.test(last)) break;
    if (last === ")") unopened--;
    end--;
  }
  return address.slice(0, end);
}

function mention(text: string, at: number, names: Sorted): Found | undefined {
  const rest = text.slice(at + 1, at + 101).toLowerCase();
  const name = names.all.find(
    (name) => rest.startsWith(name) && !WORD.test(rest[name.length] ?? ""),
  );
  if (name === undefined) return undefined;
  const length = name.length + 1;
  return {
    span: { kind: "mention", text: text.slice(at, at + length), isMe: name === names.me },
    length,
  };
}
