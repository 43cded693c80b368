import { expect, test, vi } from "vitest";
import type { Card, Frame, Welcome } from "./codec.gen";
import { People } from "./people";

const card = (player: number, name: string): Card => ({
  ...{ player, name, user: name.toLowerCase() },
  ...{ avatar: null, status: 0, media: 0 },
});
const frame = (tick: number, full: boolean, came: Card[], gone: number[] = []): Frame => ({
  header: { tick, epoch: 1, step: 0, own: null },
  roster: { full, came, gone },
  cells: [],
  dropped: [],
});

function people() {
  const port = { block: vi.fn(), came: vi.fn() };
  const people = new People(port);
  people.begin({ player: 2, width: 40, tickRate: 20 } as Welcome);
  const take = (frame: Frame) => {
    expect(people.apply(frame)).toBe(true);
    people.hear(frame, 0);
  };
  take(frame(1, true, [card(1, "Zoe"), card(2, "Mia"), card(3, "Bo")]));
  return { people, port, take };
}

test("the own card comes first, the others by name", () => {
  const { people: all } = people();
  expect(all.all.value.map(({ name }) => name)).toEqual(["Mia", "Bo", "Zoe"]);
  expect(all.mine?.name).toBe("Mia");
  expect([all.playerOf("bo"), all.nameOf(3), all.nameOf(9)]).toEqual([3, "Bo", "A person"]);
});

test("others who come are told of, but not those who were there before, or oneself", () => {
  const { port, take } = people();
  expect(port.came).not.toHaveBeenCalled();
  take(frame(2, false, [card(2, "Mia")]));
  expect(port.came).not.toHaveBeenCalled();
  take(frame(3, false, [card(4, "Ida")]));
  expect(port.came).toHaveBeenCalledOnce();
});

test("who left is no longer listed", () => {
  const { people: all, take } = people();
  take(frame(2, false, [], [3]));
  expect(all.all.value.map(({ name }) => name)).toEqual(["Mia", "Zoe"]);
});

test("a user is blocked at once, and the server is told", () => {
  const { people: all, port } = people();
  all.block("bo", true);
  expect([...all.blocked.value]).toEqual(["bo"]);
  all.block("bo", false);
  expect([...all.blocked.value]).toEqual([]);
  expect(port.block.mock.calls).toEqual([
    ["bo", true],
    ["bo", false],
  ]);
});
