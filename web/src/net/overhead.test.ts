import { expect, test } from "vitest";
import type { ChatMessage } from "./codec.gen";
import { Overhead } from "./overhead";

const said = (id: string, player: number | null, text: string) =>
  ({ id, player, text }) as ChatMessage;

test("what a player says stands over their head, without marks, until it is taken back", () => {
  const overhead = new Overhead();
  overhead.say(said("a", 1, "**hi**"), 1000);
  overhead.say(said("b", 2, "yes"), 1000);
  overhead.say(said("c", null, "of a person who left"), 1000);
  expect([...overhead.speeches.values()].map(({ text }) => text)).toEqual(["hi", "yes"]);
  expect(overhead.speeches.get(1)?.until).toBeGreaterThan(1000);
  const last = overhead.speeches.get(2)?.until ?? 0;
  overhead.say(said("b", 2, "yes, and a lot more than that, which takes time to read"), 1000);
  expect(overhead.speeches.get(2)?.until).toBeGreaterThan(last);
  overhead.takeBack("a");
  expect([...overhead.speeches.keys()]).toEqual([2]);
});

test("with a new connection player numbers mean others, and nothing stays over heads", () => {
  const overhead = new Overhead();
  overhead.say(said("a", 1, "hi"), 0);
  overhead.show({ player: 1, kind: 3 }, 0);
  overhead.begin();
  expect([overhead.speeches.size, overhead.emotes.size]).toEqual([0, 0]);
});
