import "../../fake-browser";
import { render } from "preact-render-to-string";
import { expect, test } from "vitest";
import type { Access } from "../../net/access";
import type { AccessView } from "../../net/access-api";
import { fieldOf } from "../times";
import { AccessTab, changeOf } from "./access";

const view: AccessView = {
  ...{
    id: "park",
    name: "Park",
    description: "",
    appeal: "",
    offeredUntil: null,
    thumbnail: "",
    people: 0,
  },
  ...{ listed: true, accessPolicy: "open", guests: true, takesGuests: true },
  ...{ capacity: null, opensAt: null, closesAt: null, lockdownUntil: null },
  permissions: {
    ...{ say: "guest", share: "guest", build: "builder", invite: "moderator" },
    ...{ admit: "moderator", copy: "owner" },
  },
  ...{ role: "owner", may: ["manage-access"], mutes: [], refusal: null },
};
const draft = {
  ...{ choice: "public" as const, password: "", guests: true },
  ...{ capacity: "", opensAt: "", closesAt: "" },
};

test("nothing is changed that was not edited", () => {
  expect(changeOf(draft, view)).toEqual({});
});

test("a choice is sent as its policy and its listing", () => {
  expect(changeOf({ ...draft, choice: "invite-only" }, view)).toEqual({
    accessPolicy: "members",
    listed: false,
  });
  expect(changeOf({ ...draft, choice: "password", password: "sesame" }, view)).toEqual({
    accessPolicy: "password",
    password: "sesame",
  });
  expect(changeOf({ ...draft, password: "typed before" }, view)).toEqual({});
});

test("an emptied field takes a limit away", () => {
  const at = Date.UTC(2026, 4, 3, 12);
  const limited = { ...view, capacity: 10, opensAt: at };
  const before = { ...draft, capacity: "10", opensAt: fieldOf(at) };
  expect(changeOf(before, limited)).toEqual({});
  expect(changeOf({ ...before, capacity: "", opensAt: "" }, limited)).toEqual({
    capacity: null,
    opensAt: null,
  });
  expect(changeOf({ ...before, capacity: "20" }, limited)).toEqual({ capacity: 20 });
});

test("guests are no question on a server that takes none", () => {
  const tab = (takesGuests: boolean) =>
    render(<AccessTab access={{} as Access} view={{ ...view, takesGuests }} />);
  expect(tab(true)).toContain("Guests may come in");
  expect(tab(false)).not.toContain("Guests may come in");
});
