import { expect, test } from "vitest";
import { Following } from "./following";

function following() {
  const told: string[] = [];
  const here = new Map([[2, { user: "bo", name: "Bo" }]]);
  const state = { isWalking: false, distance: 5 };
  const part = new Following({
    send: ({ player }) => told.push(`follow ${player}`),
    card: (player) => here.get(player),
    nameOf: (player) => here.get(player)?.name ?? "A person",
    playerOf: (user) => [...here].find(([, card]) => card.user === user)?.[0],
    canWalk: () => true,
    isWalking: () => state.isWalking,
    distanceTo: () => state.distance,
    walkToPlayer: (player) => told.push(`walk to ${player}`),
    approach: (player) => told.push(`approach ${player}`),
    notice: (message) => told.push(message),
  });
  return { part, told, here, state };
}

test("a follower walks on when the followed player did", () => {
  const { part, told, state } = following();
  part.follow(2);
  expect(told.splice(0)).toEqual(["follow 2", "walk to 2"]);
  state.isWalking = true;
  part.poll(0);
  state.isWalking = false;
  state.distance = 1;
  part.poll(0);
  expect(told).toEqual([]);
  state.distance = 3;
  part.poll(0);
  expect(told).toEqual(["walk to 2"]);
});

test("following ends when the person stops it, or the other one leaves", () => {
  const { part, told, here } = following();
  part.follow(2);
  part.stop();
  part.stop();
  expect(told.splice(0).slice(2)).toEqual(["follow null"]);
  part.follow(2);
  here.clear();
  part.poll(0);
  expect(told.slice(2)).toEqual(["follow null", "The person you followed is no longer here."]);
  expect(part.leader.value).toBeNull();
});

test("a leader who arrives in the other space is followed there", () => {
  const { part } = following();
  part.follow(2);
  part.goAway(1000);
  part.poll(1000);
  const there = following();
  there.here.clear();
  there.part.poll(2000);
  expect(there.told).toEqual([]);
  there.here.set(9, { user: "bo", name: "Bo" });
  there.part.poll(3000);
  expect(there.told[0]).toBe("follow 9");
  part.goAway(1000);
  const empty = following();
  empty.here.clear();
  empty.part.poll(32_000);
  empty.part.poll(33_000);
  expect(empty.told).toEqual(["Bo did not arrive here."]);
});

test("the last three requests to come along are remembered, and answered once", () => {
  const { part, told, here } = following();
  for (const player of [3, 4, 5, 6]) part.hearAsker(player);
  expect(part.askers.value.map(({ player }) => player)).toEqual([4, 5, 6]);
  part.answer(5, false);
  expect(told).toEqual([]);
  part.answer(6, true);
  expect(told).toEqual(["approach 6", "follow 6", "walk to 6"]);
  part.forget((player) => here.has(player));
  expect(part.askers.value).toEqual([]);
});

test("a restarted space is told again whom one follows, and knows no followers", () => {
  const { part, told } = following();
  part.take({ player: 7, on: true });
  part.follow(2);
  part.restart();
  expect(told.at(-1)).toBe("follow 2");
  expect(part.followers.value).toEqual([]);
});
