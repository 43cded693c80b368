import { describe, expect, test } from "vitest";
import { BURST, FAIL_AFTER, MessageList, merge, RESEND_AFTER } from "./message-list";

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
  mac: [],
});
const own = (text: string, clientId: number, at = 0) => ({
  ...said(text, at, clientId, "me"),
  id: `mine-${clientId}`,
  clientId,
});
const acknowledged = (text: string, clientId: number | null, at = 0) =>
  said(text, at, clientId, "me");
const online = (now = 0) => {
  const list = new MessageList();
  list.welcome([], now);
  return list;
};
const due = (clientId: number, text: string) => ({ clientId, text, scope: 0, replyTo: null });
const words = (list: MessageList) =>
  list.messages.map(({ text, isWaiting, refused }) =>
    isWaiting ? `${text}…` : refused ? `${text}!` : text,
  );

describe("a message of one's own", () => {
  test("waits, and is replaced by the acknowledged one", () => {
    const list = online();
    list.say(own("hello", 7), 0);
    expect(words(list)).toEqual(["hello…"]);
    expect(list.due(0)).toEqual([due(7, "hello")]);
    expect(list.due(10), "once").toEqual([]);
    list.hear(said("hi", 5));
    list.hear(acknowledged("hello", 7, 6));
    expect(words(list)).toEqual(["hi", "hello"]);
    expect(list.hear(acknowledged("hello", 7, 6)), "acknowledged twice").toBe(false);
    expect(words(list)).toEqual(["hi", "hello"]);
  });

  test("is sent again after a break, under the same number and in order", () => {
    const list = online();
    list.say(own("one", 1), 0);
    list.due(0);
    list.drop(100);
    list.say(own("two", 2), 200);
    expect(list.due(300), "there is no connection").toEqual([]);
    list.welcome([], 400);
    expect(list.due(400)).toEqual([due(1, "one"), due(2, "two")]);
    list.hear(acknowledged("one", 1, 50));
    expect(words(list)).toEqual(["one", "two…"]);
  });

  test("that the history has is not shown twice, nor sent again", () => {
    const list = online();
    list.say(own("hello", 1), 0);
    list.due(0);
    list.drop(100);
    list.welcome([acknowledged("hello", null, 20)], 200);
    expect(words(list)).toEqual(["hello"]);
    expect(list.due(200)).toEqual([]);
  });

  test("that was never sent is none of the history's, though the words are the same", () => {
    const list = online();
    list.hear(acknowledged("hello", null, 20));
    list.drop(100);
    list.say(own("hello", 2), 150);
    list.welcome([acknowledged("hello", null, 20), acknowledged("hello", null, 120)], 200);
    expect(words(list)).toEqual(["hello", "hello", "hello…"]);
    expect(list.due(200)).toHaveLength(1);
  });

  test("said twice and heard once is sent once more", () => {
    const list = online();
    list.say(own("hello", 1), 0);
    list.say(own("hello", 2), 1);
    list.due(1);
    list.drop(100);
    list.welcome([acknowledged("hello", null, 20)], 200);
    expect(words(list)).toEqual(["hello", "hello…"]);
    expect(list.due(200)).toEqual([due(2, "hello")]);
  });

  test("fails after 30 seconds without a connection, and can be tried again", () => {
    const list = online();
    list.say(own("hello", 1), 0);
    list.due(0);
    list.drop(10_000);
    expect(list.expire(10_000 + FAIL_AFTER - 1)).toBe(false);
    expect(list.expire(10_000 + FAIL_AFTER)).toBe(true);
    expect(words(list)).toEqual(["hello!"]);
    list.tryAgain(1, 50_000);
    expect(words(list)).toEqual(["hello…"]);
    list.welcome([], 55_000);
    expect(list.due(55_000)).toEqual([due(1, "hello")]);
  });

  test("that lay in a sleeping browser is not blurted out when it wakes", () => {
    const list = online();
    list.drop(0);
    list.say(own("brb", 1), 0);
    list.welcome([], 600_000);
    expect(words(list)).toEqual(["brb!"]);
    expect(list.due(600_000)).toEqual([]);
  });

  test("that failed and was said all the same is shown as said", () => {
    const list = online();
    list.say(own("hello", 1), 0);
    list.due(0);
    list.drop(0);
    list.expire(FAIL_AFTER);
    list.welcome([acknowledged("hello", null, 5)], FAIL_AFTER + 1);
    expect(words(list)).toEqual(["hello"]);
  });

  test("that was refused says why, stays where it was, and can be tried again", () => {
    const list = online();
    list.hear(said("before"));
    list.say(own("too much", 1), 0);
    list.due(0);
    list.refuse(1, "Slow down.");
    list.hear(said("after", 2));
    expect(words(list)).toEqual(["before", "too much!", "after"]);
    expect(list.messages[1]?.refused).toBe("Slow down.");
    list.tryAgain(1, 5);
    expect(words(list)).toEqual(["before", "after", "too much…"]);
    expect(list.due(5)).toEqual([due(1, "too much")]);
  });

  test("is sent again when no answer comes over an open connection, and fails in the end", () => {
    const list = online();
    list.say(own("hello", 1), 0);
    list.due(0);
    expect(list.due(RESEND_AFTER - 1)).toEqual([]);
    expect(list.due(RESEND_AFTER)).toHaveLength(1);
    list.doubt();
    expect(list.due(RESEND_AFTER + 1), "another process runs the space").toHaveLength(1);
    expect(list.expire(RESEND_AFTER + 1 + FAIL_AFTER)).toBe(true);
    expect(words(list)).toEqual(["hello!"]);
  });

  test("of many is paced, so that none is refused for haste", () => {
    const list = new MessageList();
    for (let clientId = 0; clientId < BURST + 3; clientId++)
      list.say(own(`message ${clientId}`, clientId), 0);
    list.welcome([], 0);
    const first = list.due(0);
    expect(first).toHaveLength(BURST);
    for (const { text, clientId } of first) list.hear(acknowledged(text, clientId));
    expect(list.due(500)).toEqual([]);
    expect(list.due(1000)).toEqual([due(BURST, `message ${BURST}`)]);
    expect(list.expire(FAIL_AFTER), "what is not sent yet has not been left unanswered").toBe(
      false,
    );
  });
});

describe("the history after a break", () => {
  const known = (...messages: ReturnType<typeof said>[]) => merge([], messages);
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map((text, at) => said(text, at)) as [
    ReturnType<typeof said>,
    ReturnType<typeof said>,
    ReturnType<typeof said>,
    ReturnType<typeof said>,
    ReturnType<typeof said>,
  ];
  const order = (messages: { text: string }[]) => messages.map(({ text }) => text).join("");

  test("goes on where the known messages end", () => {
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

  test("is in the server's order, independent of its clocks", () => {
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

  test("brings a message once, though it comes live again", () => {
    const list = online();
    list.hear(a);
    list.drop(10);
    expect(list.welcome([a, b], 20)).toEqual([b]);
    expect(list.hear(b)).toBe(false);
    expect(list.hear(c)).toBe(true);
    expect(words(list)).toEqual(["a", "b", "c"]);
  });
});

describe("a gap after a break", () => {
  const messages = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, index) => said(`${from + index} `, from + index));
  const broken = () => {
    const list = online();
    for (const message of messages(0, 3)) list.hear(message);
    list.drop(3);
    list.welcome(messages(10, 12), 12);
    return list;
  };
  const text = (list: MessageList) =>
    list.messages
      .map(({ text }) => text)
      .join("")
      .trim();

  test("is where the known messages end and those of the history begin", () => {
    const list = broken();
    expect(list.gaps).toEqual([{ after: "bo-2 -2", before: "bo-10 -10", isLost: false }]);
    expect(text(list)).toBe("0 1 2 10 11");
  });

  test("is filled from its end until known messages are met", () => {
    const list = broken();
    expect(list.fill("bo-10 -10", messages(6, 10), false)).toHaveLength(4);
    expect(text(list)).toBe("0 1 2 6 7 8 9 10 11");
    expect(list.gaps[0]?.before).toBe("bo-6 -6");
    expect(list.fill("bo-6 -6", messages(1, 6), false)).toHaveLength(3);
    expect(text(list)).toBe("0 1 2 3 4 5 6 7 8 9 10 11");
    expect(list.gaps).toEqual([]);
  });

  test("that cannot be filled stays marked", () => {
    const list = broken();
    list.fill("bo-10 -10", [], true);
    expect(list.gaps).toEqual([{ after: "bo-2 -2", before: "bo-10 -10", isLost: true }]);
  });

  test("is none when the history meets what is known", () => {
    const list = online();
    for (const message of messages(0, 3)) list.hear(message);
    list.catchUp(messages(2, 5));
    list.catchUp(messages(4, 6));
    expect(list.gaps).toEqual([]);
  });

  test("is marked also when the clock of the process with the missing messages is behind", () => {
    const list = online();
    for (const message of messages(50, 53)) list.hear(message);
    list.catchUp(messages(10, 12));
    expect(list.gaps).toEqual([{ after: "bo-52 -52", before: "bo-10 -10", isLost: false }]);
    expect(text(list)).toBe("50 51 52 10 11");
  });

  test("that is filled from before what is known leaves every message in its place", () => {
    const list = broken();
    expect(list.fill("bo-10 -10", [...messages(-2, 3), ...messages(3, 10)], false)).toHaveLength(9);
    expect(text(list)).toBe("-2 -1 0 1 2 3 4 5 6 7 8 9 10 11");
    expect(list.gaps).toEqual([]);
  });

  test("that is filled from what is kept takes back no change that was heard", () => {
    const list = broken();
    list.change({ id: "bo-2 -2", text: "two ", at: 13 });
    list.fill("bo-10 -10", messages(2, 10), false);
    expect(text(list)).toBe("0 1 two 3 4 5 6 7 8 9 10 11");
  });
});

test("old messages make room, and failed ones go with what they stood behind", () => {
  const list = online();
  list.hear(said("first"));
  list.say(own("lost", 1), 0);
  list.refuse(1, "No.");
  for (let index = 1; index <= 200; index++) list.hear(said(`message ${index}`, index));
  expect(list.messages).toHaveLength(200);
  expect(list.messages[0]?.text).toBe("message 1");
});

describe("what becomes of a message", () => {
  test("other words, no words, and thoughts of others", () => {
    const list = online();
    list.hear(said("helo"));
    const id = "bo-helo-0";
    list.change({ id, text: "hello", at: 5 });
    list.react({ id, user: "ada", emoji: "👍", on: true });
    list.react({ id, user: "ada", emoji: "👍", on: true });
    list.react({ id, user: "cy", emoji: "👍", on: true });
    list.react({ id, user: "cy", emoji: "🎉", on: false });
    expect(list.messages[0]).toMatchObject({
      text: "hello",
      edited: 5,
      reactions: [{ emoji: "👍", users: ["ada", "cy"], more: 0 }],
    });
    list.react({ id, user: "ada", emoji: "👍", on: false });
    list.react({ id, user: "cy", emoji: "👍", on: false });
    expect(list.messages[0]?.reactions).toEqual([]);
    list.change({ id, text: null, at: 6 });
    expect(list.messages[0]).toMatchObject({ text: "", deleted: true, edited: null });
  });

  test("thoughts of people who are not named are counted", () => {
    const list = online();
    list.catchUp([{ ...said("a"), reactions: [{ emoji: "👍", users: ["ada"], more: 1 }] }]);
    const react = (user: string, on: boolean) =>
      list.react({ id: "bo-a-0", user, emoji: "👍", on });
    react("cy", false);
    expect(list.messages[0]?.reactions).toEqual([{ emoji: "👍", users: ["ada"], more: 0 }]);
    react("ada", false);
    expect(list.messages[0]?.reactions).toEqual([]);
  });

  test("is brought by the history after a break", () => {
    const list = online();
    list.hear(said("helo"));
    list.drop(1);
    expect(list.welcome([{ ...said("helo"), text: "hello", edited: 3 }], 2)).toEqual([]);
    expect(list.messages[0]).toMatchObject({ text: "hello", edited: 3, player: 1 });
  });

  test("everything at once: only what waits is left", () => {
    const list = online();
    list.hear(said("a"));
    list.say(own("refused", 1), 0);
    list.refuse(1, "No.");
    list.say(own("waits", 2), 0);
    list.clear();
    expect(words(list)).toEqual(["waits…"]);
  });
});

test("looking back makes room for what is found", () => {
  const list = online();
  for (let index = 0; index < 200; index++) list.hear(said(`message ${index}`, index + 100));
  const found = [said("first", 1), said("second", 2), said("message 0", 100)];
  expect(list.earlier("bo-message 1-101", found), "asked about another message").toBe(false);
  expect(list.earlier("bo-message 0-100", found)).toBe(true);
  list.hear(said("new", 400));
  expect(list.messages).toHaveLength(202);
  expect(list.messages[0]?.text).toBe("second");
  expect(list.isRecent("bo-new-400")).toBe(true);
  expect(list.isRecent("bo-second-2")).toBe(false);
});
