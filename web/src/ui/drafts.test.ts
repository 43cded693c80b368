import "../fake-browser";
import { expect, test } from "vitest";
import { draftOf, keepDraft } from "./drafts";

test("each conversation keeps its own draft until it is sent", () => {
  keepDraft("park space", "Hello every");
  keepDraft("direct bo", "Hi");
  expect([draftOf("park space"), draftOf("direct bo")]).toEqual(["Hello every", "Hi"]);
  keepDraft("park space", "");
  expect([draftOf("park space"), draftOf("direct bo")]).toEqual(["", "Hi"]);
});
