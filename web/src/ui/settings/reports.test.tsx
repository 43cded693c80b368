import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { OwnReport, Report } from "../../net/reports-api";
import { OwnReportList } from "./own-reports";
import { ReportItem, whereabouts } from "./reports";

const person = (username: string, zone: string | null = null) => ({
  ...{ userId: username, username, role: "visitor", zone },
});
const report = (more: Partial<Report> = {}): Report => ({
  ...{ id: "r", spaceId: "s", spaceName: "Park", kind: "spam", text: "again", at: 0 },
  ...{ by: person("Bo"), about: person("Eve", "Library"), wasInside: true, hearers: ["Bo"] },
  messages: [{ id: "m", text: "buy this", at: 0, stored: false, later: null }],
  ...{ state: "open", answer: "", doneBy: "", doneAt: null, to: "moderators" },
  ...more,
});
const item = (one: Report, onAct?: () => void) =>
  render(
    <ReportItem report={one} hasSpace={false} isBusy={false} onAnswer={() => {}} onAct={onAct} />,
  );

test("an open report shows its messages, and can be answered", () => {
  const html = item(report());
  for (const words of ["Eve", "Advertising", "by Bo (visitor)", "buy this", "to those nearby"])
    expect(html).toContain(words);
  expect(html).toContain("Answer to Bo");
  expect(html, "she is not here").not.toContain("Mute, kick or ban");
  expect(item(report(), () => {})).toContain("Mute, kick or ban");
});

test("an answered report shows the answer, and a message what became of it", () => {
  const messages = [
    { id: "1", text: "rude", at: 0, stored: true, later: "" },
    { id: "2", text: "rude", at: 0, stored: true, later: "kind" },
  ];
  const done = { state: "done", answer: "We spoke.", doneBy: "Olga", doneAt: 0 };
  const html = item(report({ ...done, messages }));
  expect(html).toContain("deleted since");
  expect(html).toContain("now: kind");
  expect(html).toMatch(/Answered by Olga, .*: We spoke\./);
  expect(html).not.toContain("Answer to Bo");
});

test("it is said where the person was, or that it is not known", () => {
  expect(whereabouts(report())).toBe("Then Eve was inside in Library, heard by Bo.");
  expect(whereabouts(report({ hearers: [] }))).toContain("no one within hearing");
  expect(whereabouts(report({ wasInside: false, hearers: null }))).toContain("was not inside");
  expect(whereabouts(report({ wasInside: null, hearers: null }))).toContain("not known");
});

test("authors see what became of their reports", () => {
  const own: OwnReport = {
    ...{ id: "r", spaceName: "Park", about: "Eve", kind: "spam", text: "", at: 0 },
    ...{ state: "done", answer: "We spoke.", doneAt: 0 },
  };
  const list = (...reports: OwnReport[]) =>
    render(<OwnReportList reports={reports} isWhole={true} />);
  expect(list(own)).toContain("We spoke.");
  expect(list({ ...own, answer: "" })).toContain("It was looked into.");
  expect(list({ ...own, state: "open" })).toContain("Open");
  expect(list()).toContain("You reported no one.");
});
