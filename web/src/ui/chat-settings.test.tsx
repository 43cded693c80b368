import "../fake-browser";
import { signal } from "@preact/signals";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { ChatRules } from "../net/api";
import type { Space } from "../net/space";
import { ChatSettings } from "./chat-settings";

function settings(more: Partial<ChatRules>): string {
  const rules: ChatRules = {
    ...{ kept: true, retentionDays: null, slowModeSeconds: 0, mayModerate: true },
    ...{ reach: 5, voices: 8, pictures: 4, walls: null },
    ...more,
  };
  const space = { id: "park", conversation: { rules: signal(rules) } } as unknown as Space;
  return render(<ChatSettings space={space} onClose={() => {}} />);
}

test("only who may moderate can change the rules", () => {
  expect(settings({})).toContain("Slow mode");
  const html = settings({ mayModerate: false, retentionDays: 7 });
  expect(html).not.toContain("Slow mode");
  expect(html).toContain("What is said here is kept for 7 days.");
});

test("a value that is no usual choice is shown, too", () => {
  expect(settings({ slowModeSeconds: 45 })).toMatch(/selected[^>]*>One message in 45 seconds</);
  expect(settings({ walls: false })).toMatch(/selected[^>]*>Let voices and pictures through</);
});

test("what is not kept has no time to be kept, and is not downloaded", () => {
  expect(settings({})).toContain("Download as text");
  const html = settings({ kept: false });
  expect(html).not.toContain("Keep messages");
  expect(html).not.toContain("Download as text");
});
