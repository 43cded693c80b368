import "../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import { Composer, MAX_CHARS } from "./composer";

function composer(more: { draft?: string; announces?: boolean; onAnnounce?: () => void }): string {
  return render(
    <Composer
      input={{ current: null }}
      label="Message"
      placeholder="Say something"
      people={["Ann", "Bo"]}
      onSay={() => {}}
      onLeave={() => {}}
      {...more}
    />,
  );
}

test("a message that is edited begins with its words", () => {
  expect(composer({ draft: "as it was" })).toMatch(/<textarea[^>]*>as it was<\/textarea>/);
});

test("how much room is left is said when it becomes scarce", () => {
  expect(composer({ draft: "a".repeat(100) })).not.toContain(" left");
  expect(composer({ draft: "a".repeat(MAX_CHARS - 12) })).toContain("12 left");
});

test("only who may announce has the switch", () => {
  expect(composer({})).not.toContain("Announce to everybody");
  const html = composer({ announces: true, onAnnounce: () => {} });
  expect(html).toMatch(/aria-label="Announce to everybody"[^>]*aria-pressed="true"/);
});
