import { expect, test } from "vitest";
import type { ClientMessage, Own, OwnState, Welcome } from "./codec.gen";
import { Walking } from "./walking";

const state = (x: number, more: Partial<OwnState> = {}): OwnState => ({
  ...{ x, y: 640, carryX: 0, carryY: 0, facing: 0, walking: false },
  ...more,
});
const welcome = (own: OwnState) => ({ own, width: 40, height: 20, tickRate: 20 }) as Welcome;

function walker() {
  const sent: ClientMessage[] = [];
  const line = { isOpen: true, chosen: 0 };
  const walking = new Walking({
    send: (message) => line.isOpen && sent.push(message) > 0,
    isOpen: () => line.isOpen,
    whereIs: (player) => (player === 2 ? { x: 640 + 192, y: 640 } : undefined),
    choseWay: () => line.chosen++,
  });
  walking.begin(welcome(state(640)));
  /** Runs this many local steps. */
  let now = 1000;
  const steps = (count: number) => {
    for (let step = 0; step < count; step++) {
      now += 50;
      walking.advance(now);
    }
  };
  walking.advance(now);
  sent.length = 0;
  return { walking, sent, line, steps };
}
const sequence = (sent: ClientMessage[]) =>
  sent.flatMap((message) => (message.type === "Input" ? message.seq : []));

test("a held direction moves the player at once, and is sent until it is released", () => {
  const { walking, sent, line, steps } = walker();
  walking.hold(3, false);
  steps(2);
  expect(walking.prediction?.body.x).toBe(640 + 32);
  walking.hold(0, false);
  steps(3);
  // The release itself is sent, once.
  expect(sent.map((message) => message.type === "Input" && message.direction)).toEqual([3, 3, 0]);
  expect(line.chosen, "the person chose the way").toBe(1);
});

test("a walk shows where it goes until the server says that it is over", () => {
  const { walking, sent } = walker();
  walking.to(12, 10);
  expect(sent).toEqual([{ type: "Movement", value: { type: "WalkTo", seq: 1, x: 12, y: 10 } }]);
  expect(walking.target).toEqual({ x: 12, y: 10 });
  walking.hear({ ack: 1, state: state(640, { walking: true }) });
  expect([walking.target, walking.isWaiting]).toEqual([{ x: 12, y: 10 }, true]);
  walking.hear({ ack: 1, state: state(768) });
  expect([walking.target, walking.isWaiting]).toEqual([undefined, false]);
});

test("a walk that cannot be sent is none", () => {
  const { walking, line } = walker();
  line.isOpen = false;
  walking.to(12, 10);
  expect(walking.target).toBeUndefined();
});

test("steps that a broken connection lost are sent again, behind those that came", () => {
  const { walking, sent, steps } = walker();
  walking.hold(3, false);
  steps(3);
  sent.length = 0;
  // The server knows the first of three steps.
  walking.begin(welcome(state(656)));
  expect(walking.prediction?.body.x, "the player stays where they are seen").toBe(640 + 48);
  expect(sequence(sent)).toEqual([1, 2]);
});

test("steps that a restarted space does not know are sent again under their numbers", () => {
  const { walking, sent, steps } = walker();
  walking.hold(3, false);
  steps(3);
  const own: Own = { ack: 1, state: state(656) };
  walking.hear(own);
  sent.length = 0;
  walking.restart(own, performance.now());
  expect(sequence(sent)).toEqual([2, 3]);
});

test("the distance to a player is in tiles, and endless to one who is not seen", () => {
  const { walking } = walker();
  expect(walking.distanceTo(2)).toBe(3);
  expect(walking.distanceTo(7)).toBe(Number.POSITIVE_INFINITY);
});
