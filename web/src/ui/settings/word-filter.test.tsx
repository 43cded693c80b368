import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import { WordFilterForm, wordsIn } from "./word-filter";

test("each line is a word, and empty ones are none", () => {
  expect(wordsIn(" Darn\n\nhot dog \r\n")).toEqual(["Darn", "hot dog"]);
  expect(wordsIn("\n \n")).toEqual([]);
});

test("the form begins with the words and the action that hold", () => {
  const filter = { action: "refuse", words: ["darn", "hot dog"] };
  const html = render(<WordFilterForm filter={filter} onSave={async () => filter} />);
  expect(html).toContain("darn\nhot dog");
  expect(html).toMatch(/value="refuse" checked/);
});
