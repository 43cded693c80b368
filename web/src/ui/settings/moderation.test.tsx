import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { AuditEntry, Sanction } from "../../net/moderation-api";
import { LogList } from "./log";
import { Lockdown, SanctionList } from "./moderation";

const sanction = (more: Partial<Sanction>): Sanction => ({
  ...{ userId: "bo", username: "Bo", what: "ban", until: null, reason: "spam", by: "Olga", at: 0 },
  ...more,
});
const list = (...sanctions: Sanction[]) =>
  render(<SanctionList sanctions={sanctions} onLift={() => {}} />);

test("a sanction shows its end, its moderator and its reason, and can be lifted", () => {
  const html = list(sanction({}));
  expect(html).toContain("Bo: banned");
  expect(html).toContain("for good · by Olga · spam");
  expect(html).toContain("Lift: Bo, banned");
});

test("a network has no name, and its time passes by itself", () => {
  const html = list(sanction({ userId: null, username: null }));
  expect(html).toContain("New guests of a network: banned");
  expect(html).not.toContain("Lift");
});

test("a lockdown can be ended", () => {
  const lockdown = (until: number | null) =>
    render(<Lockdown until={until} onLock={() => {}} onEnd={() => {}} />);
  expect(lockdown(null)).toContain("Lock it down");
  expect(lockdown(Date.now() + 60_000)).toContain("End the lockdown");
});

test("the log says who did what, in words", () => {
  const entry = { id: "1", at: 0, actorId: null, spaceId: null, targetId: null } as const;
  const log = (action: string): AuditEntry => ({
    ...{ ...entry, actor: "Olga", action, target: "Bo", detail: "" },
  });
  const html = render(<LogList entries={[log("kick"), log("dance-with")]} isWhole={true} />);
  expect(html).toContain("Olga kicked Bo");
  expect(html).toContain("Olga dance-with Bo");
  expect(render(<LogList entries={[]} isWhole={true} />)).toContain("Nothing was done yet.");
});
