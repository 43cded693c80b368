import { describe, expect, test } from "vitest";
import { AGAIN, BURST, Chat, merge, PATIENCE } from "./chat";

const said = (text: string, at = 0, clientId: number | null = null, user = "bo") => ({
  id: `${user}-${text}-${at}`,
  clientId,
  player: 1,
  user,
  name: user,
  text,
  at,
  scope: 0,
  replyTo: null,
  edited: null,
  deleted: false,
  reactions: [],
});
const own = (text: string, clientId: number, at = 0) => ({
  ...said(text, at, clientId, "me"),
  id: `mine-${clientId}`,
  clientId,
});
const acknowledged = (text: string, clientId: number | null, at = 0) =>
  said(text, at, clientId, "me");
const online = (now = 0) => {
  const chat = new Chat();
  chat.welcome([], now);
  return chat;
};
const due = (clientId: number, text: string) => ({ clientId, text, scope: 0, replyTo: null });
const words = (chat: Chat) =>
  chat.lines.map(({ text, isWaiting, refused }) =>
    isWaiting ? `${text}…` : refused ? `${text}!` : text,
  );

describe("a line of one's own", () => {
  test("waits, and is replaced by the acknowledged one", () => {
    const chat = online();
    chat.say(own("hello", 7), 0);
    expect(words(chat)).toEqual(["hello…"]);
    expect(chat.due(0)).toEqual([due(7, "hello")]);
    expect(chat.due(10), "once").toEqual([]);
    chat.hear(said("hi", 5));
    chat.hear(acknowledged("hello", 7, 6));
    expect(words(chat)).toEqual(["hi", "hello"]);
    expect(chat.hear(acknowledged("hello", 7, 6)), "acknowledged twice").toBe(false);
    expect(words(chat)).toEqual(["hi", "hello"]);
  });

  test("is sent again after a break, under the same number and in order", () => {
    const chat = online();
    chat.say(own("one", 1), 0);
    chat.due(0);
    chat.drop(100);
    chat.say(own("two", 2), 200);
    expect(chat.due(300), "there is nobody to send it to").toEqual([]);
    chat.welcome([], 400);
    expect(chat.due(400)).toEqual([due(1, "one"), due(2, "two")]);
    chat.hear(acknowledged("one", 1, 50));
    expect(words(chat)).toEqual(["one", "two…"]);
  });

  test("that the history has is not shown twice, nor sent again", () => {
    const chat = online();
    chat.say(own("hello", 1), 0);
    chat.due(0);
    chat.drop(100);
    chat.welcome([acknowledged("hello", null, 20)], 200);
    expect(words(chat)).toEqual(["hello"]);
    expect(chat.due(200)).toEqual([]);
  });

  test("that was never sent is none of the history's, though the words are the same", () => {
    const chat = online();
    chat.hear(acknowledged("hello", null, 20));
    chat.drop(100);
    chat.say(own("hello", 2), 150);
    chat.welcome([acknowledged("hello", null, 20), acknowledged("hello", null, 120)], 200);
    expect(words(chat)).toEqual(["hello", "hello", "hello…"]);
    expect(chat.due(200)).toHaveLength(1);
  });

  test("said twice and heard once is sent once more", () => {
    const chat = online();
    chat.say(own("hello", 1), 0);
    chat.say(own("hello", 2), 1);
    chat.due(1);
    chat.drop(100);
    chat.welcome([acknowledged("hello", null, 20)], 200);
    expect(words(chat)).toEqual(["hello", "hello…"]);
    expect(chat.due(200)).toEqual([due(2, "hello")]);
  });

  test("fails after 30 seconds without a connection, and can be tried again", () => {
    const chat = online();
    chat.say(own("hello", 1), 0);
    chat.due(0);
    chat.drop(10_000);
    expect(chat.expire(10_000 + PATIENCE - 1)).toBe(false);
    expect(chat.expire(10_000 + PATIENCE)).toBe(true);
    expect(words(chat)).toEqual(["hello!"]);
    chat.tryAgain(1, 50_000);
    expect(words(chat)).toEqual(["hello…"]);
    chat.welcome([], 55_000);
    expect(chat.due(55_000)).toEqual([due(1, "hello")]);
  });

  test("that lay in a sleeping browser is not blurted out when it wakes", () => {
    const chat = online();
    chat.drop(0);
    chat.say(own("brb", 1), 0);
    chat.welcome([], 600_000);
    expect(words(chat)).toEqual(["brb!"]);
    expect(chat.due(600_000)).toEqual([]);
  });

  test("that failed and was said all the same is shown as said", () => {
    const chat = online();
    chat.say(own("hello", 1), 0);
    chat.due(0);
    chat.drop(0);
    chat.expire(PATIENCE);
    chat.welcome([acknowledged("hello", null, 5)], PATIENCE + 1);
    expect(words(chat)).toEqual(["hello"]);
  });

  test("that was refused says why, stays where it was, and can be tried again", () => {
    const chat = online();
    chat.hear(said("before"));
    chat.say(own("too much", 1), 0);
    chat.due(0);
    chat.refuse(1, "Slow down.");
    chat.hear(said("after", 2));
    expect(words(chat)).toEqual(["before", "too much!", "after"]);
    expect(chat.lines[1]?.refused).toBe("Slow down.");
    chat.tryAgain(1, 5);
    expect(words(chat)).toEqual(["before", "after", "too much…"]);
    expect(chat.due(5)).toEqual([due(1, "too much")]);
  });

  test("is sent again when nobody answers over a line that stands, and fails in the end", () => {
    const chat = online();
    chat.say(own("hello", 1), 0);
    chat.due(0);
    expect(chat.due(AGAIN - 1)).toEqual([]);
    expect(chat.due(AGAIN)).toHaveLength(1);
    chat.doubt();
    expect(chat.due(AGAIN + 1), "another process runs the space").toHaveLength(1);
    expect(chat.expire(AGAIN + 1 + PATIENCE)).toBe(true);
    expect(words(chat)).toEqual(["hello!"]);
  });

  test("of many is paced, so that none is refused for haste", () => {
    const chat = new Chat();
    for (let clientId = 0; clientId < BURST + 3; clientId++)
      chat.say(own(`line ${clientId}`, clientId), 0);
    chat.welcome([], 0);
    const first = chat.due(0);
    expect(first).toHaveLength(BURST);
    for (const { text, clientId } of first) chat.hear(acknowledged(text, clientId));
    expect(chat.due(500)).toEqual([]);
    expect(chat.due(1000)).toEqual([due(BURST, `line ${BURST}`)]);
    expect(chat.expire(PATIENCE), "what is not sent yet has not been left unanswered").toBe(false);
  });
});

describe("the history after a break", () => {
  const known = (...lines: ReturnType<typeof said>[]) => merge([], lines);
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((text, at) => said(text, at)) as [
    ReturnType<typeof said>,
    ReturnType<typeof said>,
    ReturnType<typeof said>,
    ReturnType<typeof said>,
    ReturnType<typeof said>,
  ];
  const order = (lines: { text: string }[]) => lines.map(({ text }) => text).join("");

  test("goes on where the known lines end", () => {
    expect(order(merge(known(a, b, c), [b, c, d, e]))).toBe("abcde");
    expect(order(merge(known(a, b), [d, e])), "with a gap too long to be filled").toBe("abde");
    expect(order(merge([], [a, b]))).toBe("ab");
  });

  test("fills what was missed in between", () => {
    expect(order(merge(known(a, b, e), [b, c, d, e]))).toBe("abcde");
    expect(order(merge(known(c, d), [a, b, c, d, e]))).toBe("abcde");
  });

  test("of a process that is behind takes nothing away", () => {
    expect(order(merge(known(a, b, c, d), [a, b]))).toBe("abcd");
    expect(order(merge(known(a, b, d), [a, b, c]))).toBe("abcd");
    expect(order(merge(known(a, b), []))).toBe("ab");
  });

  test("is in the server's order, whatever its clocks say", () => {
    const [early, late] = [said("E", -9), said("L", 99)] as [typeof a, typeof a];
    expect(order(merge(known(a, late, b), [a, late, b, early, c]))).toBe("aLbEc");
    expect(order(merge(known(a, late), [early, b])), "with a gap").toBe("aLEb");
    expect(order(merge(known(late, b), [a, early, late, b])), "from before what is known").toBe(
      "aELb",
    );
    expect(order(merge(known(a, c, b), [a, b, c])), "also where it was heard otherwise").toBe(
      "abc",
    );
  });

  test("goes around what only this browser has heard", () => {
    const near = { ...said("n", 1), scope: 1 };
    expect(order(merge(known(a, near, b), [a, b, c]))).toBe("anbc");
  });

  test("brings a line once, though it comes live again", () => {
    const chat = online();
    chat.hear(a);
    chat.drop(10);
    expect(chat.welcome([a, b], 20)).toEqual([b]);
    expect(chat.hear(b)).toBe(false);
    expect(chat.hear(c)).toBe(true);
    expect(words(chat)).toEqual(["a", "b", "c"]);
  });
});

describe("a gap after a break", () => {
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => said(`${from + index} `, from + index));
  const broken = () => {
    const chat = online();
    for (const line of lines(0, 3)) chat.hear(line);
    chat.drop(3);
    chat.welcome(lines(10, 12), 12);
    return chat;
  };
  const text = (chat: Chat) =>
    chat.lines
      .map(({ text }) => text)
      .join("")
      .trim();

  test("is where the known lines end and those of the history begin", () => {
    const chat = broken();
    expect(chat.gaps).toEqual([{ after: "bo-2 -2", before: "bo-10 -10", isLost: false }]);
    expect(text(chat)).toBe("0 1 2 10 11");
  });

  test("is filled from its end until known lines are met", () => {
    const chat = broken();
    expect(chat.fill("bo-10 -10", lines(6, 10), false)).toHaveLength(4);
    expect(text(chat)).toBe("0 1 2 6 7 8 9 10 11");
    expect(chat.gaps[0]?.before).toBe("bo-6 -6");
    expect(chat.fill("bo-6 -6", lines(1, 6), false)).toHaveLength(3);
    expect(text(chat)).toBe("0 1 2 3 4 5 6 7 8 9 10 11");
    expect(chat.gaps).toEqual([]);
  });

  test("that cannot be filled stays marked", () => {
    const chat = broken();
    chat.fill("bo-10 -10", [], true);
    expect(chat.gaps).toEqual([{ after: "bo-2 -2", before: "bo-10 -10", isLost: true }]);
  });

  test("is none when the history meets what is known", () => {
    const chat = online();
    for (const line of lines(0, 3)) chat.hear(line);
    chat.catchUp(lines(2, 5));
    chat.catchUp(lines(4, 6));
    expect(chat.gaps).toEqual([]);
  });

  test("is marked also when the clock of the process that told the missing lines is behind", () => {
    const chat = online();
    for (const line of lines(50, 53)) chat.hear(line);
    chat.catchUp(lines(10, 12));
    expect(chat.gaps).toEqual([{ after: "bo-52 -52", before: "bo-10 -10", isLost: false }]);
    expect(text(chat)).toBe("50 51 52 10 11");
  });

  test("that is filled from before what is known leaves every line in its place", () => {
    const chat = broken();
    expect(chat.fill("bo-10 -10", [...lines(-2, 3), ...lines(3, 10)], false)).toHaveLength(9);
    expect(text(chat)).toBe("-2 -1 0 1 2 3 4 5 6 7 8 9 10 11");
    expect(chat.gaps).toEqual([]);
  });

  test("that is filled from what is kept takes back no change that was heard", () => {
    const chat = broken();
    chat.change({ id: "bo-2 -2", text: "two ", at: 13 });
    chat.fill("bo-10 -10", lines(2, 10), false);
    expect(text(chat)).toBe("0 1 two 3 4 5 6 7 8 9 10 11");
  });
});

test("old lines make room, and failed ones go with what they stood behind", () => {
  const chat = online();
  chat.hear(said("first"));
  chat.say(own("lost", 1), 0);
  chat.refuse(1, "No.");
  for (let index = 1; index <= 200; index++) chat.hear(said(`line ${index}`, index));
  expect(chat.lines).toHaveLength(200);
  expect(chat.lines[0]?.text).toBe("line 1");
});

describe("what becomes of a line", () => {
  test("other words, no words, and thoughts of others", () => {
    const chat = online();
    chat.hear(said("helo"));
    const id = "bo-helo-0";
    chat.change({ id, text: "hello", at: 5 });
    chat.react({ id, user: "ada", emoji: "👍", on: true });
    chat.react({ id, user: "ada", emoji: "👍", on: true });
    chat.react({ id, user: "cy", emoji: "👍", on: true });
    chat.react({ id, user: "cy", emoji: "🎉", on: false });
    expect(chat.lines[0]).toMatchObject({
      text: "hello",
      edited: 5,
      reactions: [{ emoji: "👍", users: ["ada", "cy"], more: 0 }],
    });
    chat.react({ id, user: "ada", emoji: "👍", on: false });
    chat.react({ id, user: "cy", emoji: "👍", on: false });
    expect(chat.lines[0]?.reactions).toEqual([]);
    chat.change({ id, text: null, at: 6 });
    expect(chat.lines[0]).toMatchObject({ text: "", deleted: true, edited: null });
  });

  test("thoughts of people who are not named are counted", () => {
    const chat = online();
    chat.catchUp([{ ...said("a"), reactions: [{ emoji: "👍", users: ["ada"], more: 1 }] }]);
    const react = (user: string, on: boolean) =>
      chat.react({ id: "bo-a-0", user, emoji: "👍", on });
    react("cy", false);
    expect(chat.lines[0]?.reactions).toEqual([{ emoji: "👍", users: ["ada"], more: 0 }]);
    react("ada", false);
    expect(chat.lines[0]?.reactions).toEqual([]);
  });

  test("is brought by the history after a break", () => {
    const chat = online();
    chat.hear(said("helo"));
    chat.drop(1);
    expect(chat.welcome([{ ...said("helo"), text: "hello", edited: 3 }], 2)).toEqual([]);
    expect(chat.lines[0]).toMatchObject({ text: "hello", edited: 3, player: 1 });
  });

  test("everything at once: only what waits is left", () => {
    const chat = online();
    chat.hear(said("a"));
    chat.say(own("refused", 1), 0);
    chat.refuse(1, "No.");
    chat.say(own("waits", 2), 0);
    chat.clear();
    expect(words(chat)).toEqual(["waits…"]);
  });
});

test("looking back makes room for what is found", () => {
  const chat = online();
  for (let index = 0; index < 200; index++) chat.hear(said(`line ${index}`, index + 100));
  const found = [said("first", 1), said("second", 2), said("line 0", 100)];
  expect(chat.earlier("bo-line 1-101", found), "asked about another line").toBe(false);
  expect(chat.earlier("bo-line 0-100", found)).toBe(true);
  chat.hear(said("new", 400));
  expect(chat.lines).toHaveLength(202);
  expect(chat.lines[0]?.text).toBe("second");
  expect(chat.isRecent("bo-new-400")).toBe(true);
  expect(chat.isRecent("bo-second-2")).toBe(false);
});
