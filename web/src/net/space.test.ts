import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { SpaceMap } from "../world/map";
import { STATUS } from "../world/statuses";
import type { Card, ClientMessage, Frame, ServerMessage, Welcome } from "./codec.gen";
import type { Listener } from "./connection";

const line = vi.hoisted(() => ({
  sent: [] as ClientMessage[],
  listener: undefined as Listener | undefined,
  hello: () => ({}) as { arrive: string | null },
}));
vi.mock("./connection", () => ({
  Connection: class {
    readonly roundTrip = 0;
    constructor(hello: typeof line.hello, listener: Listener) {
      Object.assign(line, { hello, listener });
    }
    send = (message: ClientMessage) => line.sent.push(message) > 0;
    close = () => {};
  },
}));
vi.mock("./http", () => ({ currentToken: () => "secret" }));
vi.mock("./api", () => ({
  api: {
    spaceMap: async () => map,
    conversations: async () => [],
    chat: async () => ({ messages: [], before: null, rules: { kept: false } }),
    spaceSettings: async () => ({ rangeTiles: 5 }),
  },
}));
vi.spyOn(console, "info").mockImplementation(() => {});
const { Space } = await import("./space");

const map = {
  ...{ version: 1, name: "Park", width: 20, height: 20, tiles: [], layers: [], blocked: [] },
  ...{ elements: [], zones: [{ kind: "private", name: "Den", x: 9, y: 9, width: 4, height: 4 }] },
} as unknown as SpaceMap;
const own = { x: 640, y: 640, carryX: 0, carryY: 0, facing: 0, walking: false };
const welcome = {
  ...{ player: 1, epoch: 1, tick: 0, tickRate: 20, spaceName: "Park", width: 20, height: 20 },
  ...{ gridHash: 0, mapVersion: 1, own, blocked: ["eve"] },
} as unknown as Welcome;
const card = (player: number, name: string): Card => ({
  ...{ player, name, user: name.toLowerCase() },
  ...{ avatar: null, status: 0, media: 0 },
});

let space: InstanceType<typeof Space>;
const take = (message: ServerMessage) => line.listener?.message(message, 10);
const frame = (tick: number, more: Partial<Frame> = {}, epoch = 1) =>
  take({
    ...{ type: "Frame", header: { tick, epoch, step: 0, own: { ack: 0, state: own } } },
    ...{ roster: null, cells: [], dropped: [], ...more },
  });
const sent = () => line.sent.splice(0);

beforeEach(async () => {
  space = new Space("park", "ticket");
  line.listener?.status({ kind: "open" });
  take({ type: "Session", value: { type: "Welcome", ...welcome } });
  frame(1, { roster: { full: true, came: [card(1, "Ada"), card(2, "Bo")], gone: [] } });
  await vi.waitFor(() => expect(space.map.current).toBeDefined());
  sent();
});
afterEach(() => space.leave());

test("a person comes in: their card, the others, the map, and whom they blocked", () => {
  expect(space.name.value).toBe("Park");
  expect(space.people.all.value.map(({ name }) => name)).toEqual(["Ada", "Bo"]);
  expect([...space.people.blocked.value]).toEqual(["eve"]);
  expect(space.zones.here()).toEqual([0]);
  expect(line.hello().arrive, "a portal leads there once").toBeNull();
});

test("a space that restarted is told what this person does, and its ticks begin again", () => {
  space.following.follow(2);
  sent();
  frame(1, {}, 2);
  expect(space.epoch).toBe(2);
  expect(sent()).toEqual([{ type: "Follow", player: 2 }]);
  expect(space.figures.frames).toBe(2);
});

test("a new connection is told the status, and asks go with the old one", () => {
  space.own.choose(STATUS.busy);
  take({ type: "Bubble", value: { type: "Asked", player: 2, aside: false } });
  sent();
  take({ type: "Session", value: { type: "Welcome", ...welcome } });
  expect(sent()).toContainEqual({
    type: "Status",
    value: { type: "Set", status: STATUS.busy },
  });
  expect(space.bubbles.askers.value).toEqual([]);
});

test("requests of a player who leaves are dropped", () => {
  take({ type: "Bubble", value: { type: "Asked", player: 2, aside: false } });
  take({ type: "Status", value: { type: "Waved", player: 2, kind: 3 } });
  expect([space.bubbles.askers.value.length, space.following.askers.value.length]).toEqual([1, 1]);
  frame(2, { roster: { full: false, came: [], gone: [2] } });
  expect([space.bubbles.askers.value, space.following.askers.value]).toEqual([[], []]);
});

test("walking somewhere oneself ends following", () => {
  space.following.follow(2);
  sent();
  space.walking.to(3, 4);
  expect(sent()[0]).toEqual({ type: "Follow", player: null });
  expect(space.following.leader.value).toBeNull();
});

test("a locked zone closes its doors to the own player", () => {
  const state = { zone: 0, locked: true, people: 1, cap: 0, lockedBy: 2 };
  take({ type: "Zone", value: { type: "State", ...state } });
  expect(space.walking.prediction?.doors(8, 9, 9, 9)).toBe(false);
  take({ type: "Zone", value: { type: "Admitted", zone: 0 } });
  expect(space.walking.prediction?.doors(8, 9, 9, 9)).toBe(true);
});

test("after dropped messages only the zones that the server sends again are closed", () => {
  const state = { zone: 0, locked: true, people: 1, cap: 0, lockedBy: 2 };
  take({ type: "Zone", value: { type: "State", ...state } });
  take({ type: "Session", value: { type: "Missed", mapVersion: 1 } });
  expect(space.zones.states.value.size, "the zone emptied, so it is not sent").toBe(0);
  expect(space.walking.prediction?.doors(8, 9, 9, 9)).toBe(true);
  take({ type: "Zone", value: { type: "State", ...state } });
  expect(space.walking.prediction?.doors(8, 9, 9, 9)).toBe(false);
});

test("notices are shown, and act on what they are about", () => {
  space.walking.to(3, 4);
  const notice = { code: "no-path", message: "No way leads there." };
  take({ type: "Session", value: { type: "Notice", ...notice } });
  expect([space.notice.value, space.walking.target]).toEqual([notice.message, undefined]);
});
