import "../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import { SessionList } from "./sessions";

const session = (id: string, isThis: boolean) => ({ id, isThis, createdAt: 0, usedAt: 0 });

test("each session but this one can be ended", () => {
  const sessions = [session("a", true), session("b", false), session("c", false)];
  const html = render(<SessionList sessions={sessions} onEnd={() => {}} />);
  expect(html).toContain("This browser");
  expect(html.match(/<button/g)).toHaveLength(2);
});
