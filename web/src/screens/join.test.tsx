import "../fake-browser";
import { render } from "preact-render-to-string";
import { beforeEach, expect, test } from "vitest";
import { JoinScreen } from "./join";
import type { Place } from "./join/place";

const place = (closed: string | null): Place => ({
  ...{
    id: "park",
    name: "Park",
    description: "",
    appeal: "",
    offeredUntil: null,
    thumbnail: "",
    people: 2,
  },
  ...{ invite: null, by: null, closed },
});
const screen = (closed: string | null = null) =>
  render(<JoinScreen place={place(closed)} from="/s/park?arrive=x" />);

beforeEach(() => localStorage.removeItem("plaza.guest-name"));

test("one field and one button lead in, and an account is another way", () => {
  const html = screen();
  expect(html.match(/<input/g)).toHaveLength(1);
  expect(html).toMatch(/<button type="submit"[^>]*>Join</);
  expect(html).toMatch(/href="\/signin\?next=%2Fs%2Fpark%3Farrive%3Dx"[^>]*>I have an account</);
});

test("the name of the last time is filled in", () => {
  localStorage.setItem("plaza.guest-name", "Ada");
  expect(screen()).toMatch(/id="guest-name"[^>]*value="Ada"/);
});

test("a closed space says why, and asks for an account", () => {
  const html = screen("This space takes no guests.");
  expect(html).toContain("This space takes no guests.");
  expect(html).not.toContain("<form");
  expect(html).toContain("Sign in or sign up");
});
