import "../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { JoinRequest } from "../net/moderation-api";
import { RequestBar } from "./join-requests";

const request = (username: string, text = ""): JoinRequest => ({
  ...{ userId: username, username, text, imageUrl: null, at: 0 },
});
const bar = (requests: JoinRequest[], mayMakeMembers = true) =>
  render(<RequestBar requests={requests} mayMakeMembers={mayMakeMembers} onAnswer={() => {}} />);

test("a request has its words and three answers, and is announced", () => {
  const html = bar([request("Ada", "from the team")]);
  expect(html).toContain('role="alert"');
  expect(html).toContain("Ada asks to join:");
  expect(html).toContain("from the team");
  for (const answer of ["Let in", "As member", "Not now"]) expect(html).toContain(answer);
});

test("members let people in, and make no members", () => {
  expect(bar([request("Ada")], false)).not.toContain("As member");
});

test("of many requests three are shown", () => {
  const html = bar(["Ada", "Bo", "Cleo", "Dan", "Eve"].map((name) => request(name)));
  expect(html).toContain("Cleo asks to join.");
  expect(html).not.toContain("Dan asks to join.");
  expect(html).toContain("2 more ask to join.");
});
