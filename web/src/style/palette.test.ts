import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync(new URL("palette.css", import.meta.url), "utf8");

test("emoji are drawn by the colour font first, whatever other fonts have", () => {
  const [, fonts = ""] = /--font:\s*([^;]+);/.exec(css) ?? [];
  expect(fonts.split(",")[0]?.trim()).toBe('"Plaza Emoji"');
  const [, face = ""] = /@font-face \{([^}]+)\}/.exec(css) ?? [];
  expect(face).toContain('font-family: "Plaza Emoji"');
  const ranges = /unicode-range:([^;]+);/.exec(face)?.[1]?.split(",") ?? [];
  const isCovered = (sign: string) =>
    ranges.some((range) => {
      const [from = "", to = from] = range.trim().slice(2).split("-");
      const code = sign.codePointAt(0) ?? 0;
      return code >= Number.parseInt(from, 16) && code <= Number.parseInt(to, 16);
    });
  for (const sign of "😂👋🎉👍😀⭐✅") expect(isCovered(sign), sign).toBe(true);
  // Letters, digits and signs of text keep the font of the text.
  for (const sign of "aä7#©→") expect(isCovered(sign), sign).toBe(false);
});
