import { describe, expect, test } from "vitest";
import { type Block, mentions, parse, plain, type Span } from "./markdown";

const HASH = "0".repeat(64);
const names = { me: "Ada", others: ["Ann", "Ann Lee", "Zoë"] };

/** Spans in short: what they are, and of what. */
const short = (spans: readonly Span[]): unknown[] =>
  spans.map((span) => {
    if (span.kind === "text") return span.text;
    if ("spans" in span) return { [span.kind]: short(span.spans) };
    if (span.kind === "link") return { link: span.text, to: span.href };
    if (span.kind === "mention") return span.isMe ? { me: span.text } : { at: span.text };
    return { [span.kind]: "src" in span ? span.src : span.text };
  });
const of = (text: string) => {
  const blocks = parse(text, names);
  const [first] = blocks;
  return blocks.length === 1 && first?.kind === "words" ? short(first.spans) : blocks;
};

/** Where the only link of a text says that it leads. */
const hostOf = (text: string) => {
  const [block] = parse(text);
  const link =
    block?.kind === "words" ? block.spans.find(({ kind }) => kind === "link") : undefined;
  return link?.kind === "link" ? link.host : "no link";
};

describe("a link", () => {
  test.each([
    ["[paypal.com](https://evil.test/)", "evil.test"],
    ["[https://paypal.com/login](https://evil.test/login)", "evil.test"],
    ["[see paypal.com, it is fine](https://evil.test/)", "evil.test"],
    ["[evil.test or paypal.com](https://evil.test/)", "evil.test"],
    ["[pay\u200bpal.com](https://evil.test/)", "evil.test"],
    ["[paypal\u2024com](https://evil.test/)", "evil.test"],
    ["https://paypal.com@evil.test/", "evil.test"],
    // Its first letter is Cyrillic.
    ["https://\u0440aypal.com/", "xn--aypal-uye.com"],
  ])("whose text names another host shows its real one: %s", (text, host) => {
    expect(hostOf(text)).toBe(host);
  });
  test.each([
    "https://example.org/page.html?next=other.org#a.b",
    "[example.org](https://www.example.org/)",
    "[www.example.org/docs/page.html](https://example.org/docs/page.html)",
    "[EXAMPLE.org](https://docs.example.org/)",
    "[the docs, version 1.2](https://example.org/)",
    "https://example.org:8080/a.png",
  ])("that leads where it says shows nothing else: %s", (text) => {
    expect(hostOf(text)).toBeUndefined();
  });
});

describe("a message", () => {
  test("is parsed once, and again only when names count in it", () => {
    const others = { me: "Ada", others: ["Ann", "Bob"] };
    expect(parse("**hi** there", names)).toBe(parse("**hi** there", others));
    expect(parse("hi @bob", names)).toBe(parse("hi @bob", names));
    expect(parse("hi @bob", names)).not.toEqual(parse("hi @bob", others));
  });
});

describe("what is written", () => {
  test.each<[string, unknown]>([
    ["hello", ["hello"]],
    [
      "*so* **very** _nice_",
      [{ italic: ["so"] }, " ", { bold: ["very"] }, " ", { italic: ["nice"] }],
    ],
    ["**bold with *italic* in it**", [{ bold: ["bold with ", { italic: ["italic"] }, " in it"] }]],
    ["2 * 3 * 4 and snake_case_name", ["2 * 3 * 4 and snake_case_name"]],
    ["**", ["**"]],
    ["`*code*` and `", [{ code: "*code*" }, " and `"]],
    [
      "see https://plaza.test/a_b_c.",
      ["see ", { link: "https://plaza.test/a_b_c", to: "https://plaza.test/a_b_c" }, "."],
    ],
    [
      "(http://a.test/x_(y))",
      ["(", { link: "http://a.test/x_(y)", to: "http://a.test/x_(y)" }, ")"],
    ],
    ["[docs](https://a.test/)", [{ link: "docs", to: "https://a.test/" }]],
    ["[bad](javascript:alert(1))", ["[bad](javascript:alert(1))"]],
    ["javascript:alert(1) data:text/html,x", ["javascript:alert(1) data:text/html,x"]],
    ["<img src=x onerror=alert(1)>", ["<img src=x onerror=alert(1)>"]],
    [`![](/files/${HASH}.png)`, [{ picture: `/files/${HASH}.png` }]],
    [`![](/files/${HASH}.jpg)`, [{ picture: `/files/${HASH}.jpg` }]],
    [`![](/files/${HASH}.svg)`, [`![](/files/${HASH}.svg)`]],
    [
      "![](https://evil.test/x.png)",
      ["![](", { link: "https://evil.test/x.png", to: "https://evil.test/x.png" }, ")"],
    ],
    ["![](/files/../api/v1/me.png)", ["![](/files/../api/v1/me.png)"]],
    [
      "@ada, @ANN LEE and @ann; not @anna or a@ada",
      [{ me: "@ada" }, ", ", { at: "@ANN LEE" }, " and ", { at: "@ann" }, "; not @anna or a@ada"],
    ],
    ["@zoë!", [{ at: "@zoë" }, "!"]],
  ])("%s", (text, expected) => {
    expect(of(text)).toEqual(expected);
  });

  test("code between fences is left alone", () => {
    expect(parse("look:\n```ts\nconst a = **b**;\n```\nfine")).toEqual<Block[]>([
      { kind: "words", spans: [{ kind: "text", text: "look:" }] },
      { kind: "code", text: "const a = **b**;" },
      { kind: "words", spans: [{ kind: "text", text: "fine" }] },
    ]);
    expect(parse("```\nopen")).toHaveLength(1);
  });

  test("the words alone", () => {
    expect(plain(`**hi** @ada ![](/files/${HASH}.png)\n\`\`\`\ncode\n\`\`\``)).toBe(
      "hi @ada 🖼️\ncode",
    );
  });

  test("who is called", () => {
    expect(mentions("hello **@Ada**", "ada")).toBe(true);
    expect(mentions("hello `@Ada`", "ada")).toBe(false);
    expect(mentions("mail me at x@ada", "ada")).toBe(false);
    expect(mentions("@", "")).toBe(false);
  });
});

/** Chance that can be had again. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const PIECES = [
  "*",
  "**",
  "_",
  "`",
  "```\n",
  "\n",
  " ",
  "a",
  "@ada",
  "[x](",
  "https://a.test/",
  ")",
  "![](/files/",
  `${HASH}.png`,
  "<b>",
  "é",
  "👍",
  "\\",
];

test("no text loses anything or becomes dangerous", () => {
  const next = chance(7);
  for (let round = 0; round < 3000; round++) {
    const length = Math.floor(next() * 30);
    const text = Array.from({ length }, () => PIECES[Math.floor(next() * PIECES.length)]).join("");
    const seen = (spans: Span[]): string =>
      spans
        .map((span) => {
          if ("spans" in span) return seen(span.spans);
          if (span.kind === "link") {
            expect(span.href).toMatch(/^https?:\/\//);
            return span.text.startsWith("http") ? span.text : span.text + decodeURI(span.href);
          }
          if ("src" in span) expect(span.src).toBe(`/files/${HASH}.png`);
          return "src" in span ? span.src : span.text;
        })
        .join("");
    const shown = parse(text, names)
      .map((block) => (block.kind === "code" ? block.text : seen(block.spans)))
      .join("");
    const letters = (words: string) => words.replace(/[^é👍]/gu, "");
    expect(letters(shown)).toBe(letters(text));
  }
});

test.each(["*", "**a ", "_", "`", "[", "![", "@", "https://", "```\n", "*a", "**_a"])(
  "4,000 characters of “%s” are nothing special",
  (piece) => {
    const text = piece.repeat(Math.ceil(4000 / piece.length)).slice(0, 4000);
    expect(parse(text, names)).not.toEqual([]);
  },
);

// Far longer than a message may be: work that grows with the square of the length does not end.
test.each([" *a", " _a", "a ** ", `[${"㌖".repeat(499)}](http://a.b/)`, ")", "a.", "a-"])(
  "the work for “%s” again and again grows with the length alone",
  (piece) => {
    const text = piece.repeat(Math.ceil(200_000 / piece.length));
    expect(parse(text)).not.toEqual([]);
    const links = `http://a.b/${text.slice(0, 1900)} [${text.slice(0, 400)}](http://a.b/)`;
    expect(parse(links)).not.toEqual([]);
  },
);

test("a link whose text is longer than anyone reads shows its host", () => {
  expect(parse(`[${"㌖".repeat(400)}](http://example.org/)`)).toEqual([
    {
      kind: "words",
      spans: [expect.objectContaining({ kind: "link", host: "example.org" })],
    },
  ]);
});
