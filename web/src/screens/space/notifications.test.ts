import { expect, test, vi } from "vitest";
import type { ChatMessage, DirectMessage, Peer } from "../../net/codec.gen";
import { STATUS } from "../../world/statuses";

vi.mock("../../ui/notify", () => ({ notify: () => {} }));
vi.mock("../../ui/sound", () => ({ play: () => {} }));
const { Notifications } = await import("./notifications");

function notified(status: number = STATUS.available) {
  const told: string[] = [];
  const greeted: string[] = [];
  const notifications = new Notifications({
    me: () => ({ name: "Ada", status }),
    nameOf: (player) => ["Bo", "Cleo"][player],
    spaceName: () => "Park",
    ring: () => told.push("ring"),
    greet: (what) => greeted.push(what),
    notify: (what, words) => told.push(`${what}: ${words}`),
  });
  return { notifications, told, greeted };
}
const said = (text: string) => ({ name: "Bo", text }) as ChatMessage;
const written = { name: "Bo", text: "**hi**" } as DirectMessage;
const near = (...players: number[]) =>
  players.map((player) => ({ player, hear: true, heard: true }) as Peer);

test("a mention and a direct message ring, other messages do not", () => {
  const { notifications, told } = notified();
  notifications.said(said("hello"));
  expect(told).toEqual([]);
  notifications.said(said("@Ada hello"));
  notifications.wrote(written);
  expect(told).toEqual(["ring", "Bo in Park: @Ada hello", "ring", "Bo wrote to you: hi"]);
});

test("newcomers are told of once, together", () => {
  const { notifications, told, greeted } = notified();
  notifications.look(near(0, 1), 0);
  notifications.look(near(0, 1), 1);
  expect(greeted).toEqual(["began"]);
  expect(told).toEqual(["2 people are near you: Bo, Cleo"]);
});

test("a person who does not want to be disturbed is told nothing", () => {
  const { notifications, told, greeted } = notified(STATUS.doNotDisturb);
  notifications.said(said("@Ada hello"));
  notifications.wrote(written);
  notifications.look(near(0), 0);
  expect([told, greeted]).toEqual([[], []]);
});
