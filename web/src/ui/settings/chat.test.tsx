import "../../fake-browser";
import { signal } from "@preact/signals";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { ChatRules, SpaceSettings } from "../../net/api";
import type { Space } from "../../net/space";
import { ChatTab } from "./chat";

function dialog(chat: Partial<ChatRules>, proximity: Partial<SpaceSettings> = {}): string {
  const rules: ChatRules = {
    ...{ kept: true, retentionDays: null, slowModeSeconds: 0, mayModerate: true },
    ...chat,
  };
  const settings: SpaceSettings = {
    ...{ rangeTiles: 5, maxAudio: 8, maxVideo: 4, wallsBlock: null, mayChange: true },
    ...proximity,
  };
  const space = {
    id: "park",
    conversation: { rules: signal(rules) },
    settings: { current: signal(settings) },
  } as unknown as Space;
  return render(<ChatTab space={space} onClose={() => {}} />);
}

test("only who may change the settings is shown them", () => {
  expect(dialog({})).toContain("Slow mode");
  expect(dialog({})).toContain("Voices carry");
  const html = dialog({ mayModerate: false, retentionDays: 7 }, { mayChange: false });
  expect(html).not.toContain("Slow mode");
  expect(html).not.toContain("Voices carry");
  expect(html).toContain("What is said here is kept for 7 days.");
});

test("a value that is no usual choice is shown, too", () => {
  expect(dialog({ slowModeSeconds: 45 })).toMatch(/selected[^>]*>One message in 45 seconds</);
  const walls = dialog({}, { wallsBlock: false });
  expect(walls).toMatch(/selected[^>]*>Let voices and pictures through</);
});

test("what is not kept has no time to be kept, and is not downloaded", () => {
  expect(dialog({})).toContain("Download as text");
  const html = dialog({ kept: false });
  expect(html).not.toContain("Keep messages");
  expect(html).not.toContain("Download as text");
});
