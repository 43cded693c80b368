import "../fake-browser";
import { expect, test } from "vitest";
import type { Me } from "../net/api";
import { draftOf, keepDraft } from "./drafts";
import { me } from "./me";

test("each conversation keeps its own draft until it is sent", () => {
  keepDraft("park space", "Hello every");
  keepDraft("direct bo", "Hi");
  expect([draftOf("park space"), draftOf("direct bo")]).toEqual(["Hello every", "Hi"]);
  keepDraft("park space", "");
  expect([draftOf("park space"), draftOf("direct bo")]).toEqual(["", "Hi"]);
});

test("the next person in the tab sees none of the drafts of the one before", () => {
  me.value = { userId: "ada" } as Me;
  keepDraft("direct bo", "Only for you");
  me.value = { userId: "cleo" } as Me;
  expect(draftOf("direct bo")).toBe("");
  me.value = { userId: "ada" } as Me;
  expect(draftOf("direct bo")).toBe("Only for you");
});
