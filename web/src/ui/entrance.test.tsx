import "../fake-browser";
import { signal } from "@preact/signals";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { Status } from "../net/connection";
import { endingFor } from "../net/policy";
import type { Space } from "../net/space";
import { ConnectionEnded } from "./curtain";

function ended(code: number, reason = ""): string {
  const ending = endingFor(code, reason);
  if (!ending) throw new Error(`${code} is no end`);
  const status = signal<Status>({ kind: "ended", ending });
  const space = { id: "park", status } as unknown as Space;
  return render(<ConnectionEnded space={space} onRetry={() => {}} />);
}

test("a space with a password asks for it", () => {
  expect(ended(4411)).toMatch(/<label for="space-password">Password of this space/);
  expect(ended(4411)).toContain("Come in");
});

test("a full space is tried again by itself", () => {
  expect(ended(4413)).toContain("Waiting for room");
  expect(ended(4413)).toContain("Try now");
});

test("a space for members can be asked", () => {
  expect(ended(4412)).toContain('<label for="join-text">');
  expect(ended(4412)).toContain("Request to join");
});

test("a person who was sent out is told who did it and why, and can go to the lobby", () => {
  expect(ended(4415, "Olga sent you out of this space: too loud")).toContain("too loud");
  for (const code of [4403, 4411, 4412, 4413, 4414, 4415, 4416])
    expect(ended(code)).toContain("To the lobby");
});
