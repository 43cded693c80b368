import "../fake-browser";
import { render } from "preact-render-to-string";
import { afterEach, expect, test } from "vitest";
import type { Me } from "../net/api";
import { KeepName, KeepNameDialog } from "./keep-name";
import { me } from "./me";

const ada = (isGuest: boolean) =>
  ({ username: isGuest ? "Ada (guest)" : "Ada", isGuest }) as unknown as Me;

afterEach(() => {
  me.value = null;
});

test("only guests are asked whether they keep their name", () => {
  me.value = ada(true);
  expect(render(<KeepName />)).toContain("Keep my name");
  me.value = ada(false);
  expect(render(<KeepName />)).toBe("");
});

test("the name is filled in without its mark", () => {
  me.value = ada(true);
  expect(render(<KeepNameDialog onClose={() => {}} />)).toMatch(/id="kept-name"[^>]*value="Ada"/);
});
