import { expect, test } from "vitest";
import { labelOfKind, whatHappensNext } from "./reports";

test("a kind has words, and one of a later version its own", () => {
  expect(labelOfKind("spam")).toContain("Advertising");
  expect(labelOfKind("rudeness")).toBe("rudeness");
});

test("authors are told who reads their report", () => {
  expect(whatHappensNext("admins")).toContain("admins of this server");
  expect(whatHappensNext("moderators")).toContain("moderators of this space");
});
