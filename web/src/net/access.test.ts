import { expect, test, vi } from "vitest";
import type { AccessView } from "./access-api";

const answers = vi.hoisted(() => [] as (() => Promise<unknown>)[]);
vi.mock("./access-api", () => ({
  accessApi: {
    view: () => answers.shift()?.(),
    change: async (_: string, change: object) => ({ role: "owner", may: [], ...change }),
  },
}));
const { Access } = await import("./access");

const notice = vi.fn();
const view = (role: string, ...may: string[]) =>
  ({ role, may, mutes: [] }) as unknown as AccessView;

test("nothing is allowed until the server has said it, and what is known stays", async () => {
  const access = new Access("park", notice);
  expect([access.role, access.may("invite")]).toEqual(["guest", false]);
  answers.push(async () => view("builder", "invite"));
  await access.refresh();
  expect([access.role, access.may("invite"), access.may("moderate")]).toEqual([
    "builder",
    true,
    false,
  ]);
  answers.push(() => Promise.reject(new Error("no way there")));
  await access.refresh();
  expect(access.may("invite")).toBe(true);
});

test("an answer that comes late does not replace a newer one", async () => {
  const access = new Access("park", notice);
  let answer = (_: AccessView) => {};
  answers.push(() => new Promise((resolve) => (answer = resolve)));
  const late = access.refresh();
  answers.push(async () => view("member"));
  await access.refresh();
  answer(view("owner"));
  await late;
  expect(access.role).toBe("member");
});

test("a notice about the own membership asks again, one about a request counts", async () => {
  const access = new Access("park", notice);
  answers.push(async () => view("moderator", "moderate"));
  expect(access.hear({ code: "membership", message: "You are a moderator." })).toBe(true);
  await vi.waitFor(() => expect(notice).toHaveBeenCalledWith("You are a moderator."));
  expect(access.role).toBe("moderator");
  expect(access.hear({ code: "join-request", message: "Bo asks." })).toBe(true);
  expect(access.hear({ code: "slow-mode", message: "Slow." })).toBe(false);
  expect(access.requests.value).toBe(1);
});

test("a mute is over when its time is", async () => {
  const access = new Access("park", notice);
  const until = Date.now() + 60_000;
  const mutes = [
    { what: "chat", until },
    { what: "voice", until: 1000 },
    { what: "video", until: null },
  ];
  answers.push(async () => ({ ...view("visitor"), mutes }));
  await access.refresh();
  expect(access.mutedUntil("chat")).toBe(until);
  expect(access.mutedUntil("voice")).toBeUndefined();
  expect(access.mutedUntil("video")).toBeNull();
});

test("a change shows at once", async () => {
  const access = new Access("park", notice);
  await access.change({ name: "Garden" });
  expect(access.view.value?.name).toBe("Garden");
});
