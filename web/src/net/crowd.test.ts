import { describe, expect, test } from "vitest";
import type { Card, Cell, Frame } from "./codec.gen";
import { Clock, Crowd } from "./crowd";

const WIDTH = 64;

function entry(
  player: number,
  x: number,
  y: number,
  motion = 1,
): { index: number; gap: number; bits: [number, number, number] } {
  const packed = (x % 1024) | ((y % 1024) << 10) | (1 << 20) | (motion << 22);
  const index = Math.floor(y / 1024) * 4 + Math.floor(x / 1024);
  return { index, gap: player, bits: [packed & 255, (packed >> 8) & 255, (packed >>> 16) & 255] };
}

function cell(index: number, parts: Partial<Cell>): Cell {
  return { index, full: false, left: [], entries: [], steps: [], ...parts };
}

function frame(tick: number, parts: Partial<Frame> & { epoch?: number }): Frame {
  const { epoch = 1, ...rest } = parts;
  const header = { tick, epoch, step: 0, own: null };
  return { header, roster: null, cells: [], dropped: [], ...rest };
}

const card = (player: number): Card => ({
  player,
  user: `u${player}`,
  name: `p${player}`,
  avatar: null,
  status: 0,
  media: 0,
});

function standing(crowd: Crowd): number[] {
  return [...crowd.walkers.keys()].sort((a, b) => a - b);
}

describe("a crowd", () => {
  test("holds the players that the cells show and forgets those they drop", () => {
    const crowd = new Crowd(WIDTH);
    const roster = { full: true, came: [card(1), card(2)], gone: [] };
    crowd.apply(
      frame(1, {
        roster,
        cells: [cell(0, { full: true, entries: [entry(1, 100, 100), entry(1, 200, 100)] })],
      }),
    );
    expect(standing(crowd)).toEqual([1, 2]);
    crowd.apply(frame(2, { cells: [cell(0, { left: [2] })] }));
    expect(standing(crowd)).toEqual([1]);
    crowd.apply(frame(3, { roster: { full: false, came: [], gone: [1] } }));
    expect(standing(crowd)).toEqual([]);
    expect([...crowd.cards.keys()]).toEqual([2]);
  });

  test("who crossed into another cell is not lost when the old cell says so later", () => {
    const crowd = new Crowd(WIDTH);
    crowd.apply(frame(1, { cells: [cell(0, { full: true, entries: [entry(5, 1000, 100)] })] }));
    crowd.apply(frame(2, { cells: [cell(1, { entries: [entry(5, 1030, 100)] })] }));
    crowd.apply(frame(3, { cells: [cell(0, { left: [5] })] }));
    expect(standing(crowd)).toEqual([5]);
  });

  test("who walks on is where the low bits say, on either side of where they were", () => {
    const crowd = new Crowd(60);
    crowd.apply(
      frame(1, {
        cells: [cell(5, { full: true, entries: [entry(4, 10, 250), entry(20, 300, 5)] })],
      }),
    );
    const steps: Cell["steps"] = [
      { gap: 4, low: [20, 2], turn: 6 },
      { gap: 20, low: [35, 250], turn: 9 },
    ];
    crowd.apply(frame(2, { cells: [cell(5, { steps })] }));
    const now = (player: number) => crowd.walkers.get(player)?.trail.at(-1);
    expect(now(4)).toEqual({ tick: 2, x: 1024 + 20, y: 1024 + 258 });
    expect(now(24)).toEqual({ tick: 2, x: 1024 + 291, y: 1024 - 6 });
    expect(crowd.walkers.get(4)).toMatchObject({ facing: 2, motion: 1 });
    crowd.apply(frame(3, { cells: [cell(5, { steps: [{ gap: 9, low: [0, 0], turn: 0 }] })] }));
    expect(crowd.walkers.has(9), "a step needs a known position").toBe(false);
  });

  test("a full cell forgets who is not in it, a dropped one everybody", () => {
    const crowd = new Crowd(WIDTH);
    crowd.apply(
      frame(1, {
        cells: [cell(0, { full: true, entries: [entry(5, 100, 100), entry(1, 120, 100)] })],
      }),
    );
    crowd.apply(frame(2, { cells: [cell(0, { full: true, entries: [entry(6, 120, 100)] })] }));
    expect(standing(crowd)).toEqual([6]);
    crowd.apply(frame(3, { dropped: [0] }));
    expect(standing(crowd)).toEqual([]);
  });

  test("time does not run backwards, except after the space restarted", () => {
    const crowd = new Crowd(WIDTH);
    expect(crowd.apply(frame(10, {}))).toBe(true);
    expect(crowd.apply(frame(10, {}))).toBe(false);
    expect(crowd.apply(frame(9, {}))).toBe(false);
    expect(crowd.apply(frame(3, { epoch: 2 }))).toBe(true);
    expect(crowd.apply(frame(99, { epoch: 1 }))).toBe(false);
  });
});

describe("drawing between two places", () => {
  const place = { x: 0, y: 0, isMoving: false };

  test("a walker is half way at half time", () => {
    const crowd = new Crowd(WIDTH);
    crowd.apply(frame(1, { cells: [cell(0, { full: true, entries: [entry(1, 100, 100)] })] }));
    crowd.apply(frame(2, { cells: [cell(0, { entries: [entry(1, 116, 100)] })] }));
    crowd.walkers.get(1)?.at(1.5, place);
    expect(place).toEqual({ x: 108, y: 100, isMoving: true });
  });

  test("who stood for long sets off when the news says, not before", () => {
    const crowd = new Crowd(WIDTH);
    crowd.apply(frame(1, { cells: [cell(0, { full: true, entries: [entry(1, 100, 100, 0)] })] }));
    crowd.apply(frame(101, { cells: [cell(0, { entries: [entry(1, 116, 100)] })] }));
    crowd.walkers.get(1)?.at(60, place);
    expect(place.x).toBe(100);
    crowd.walkers.get(1)?.at(100.5, place);
    expect(place.x).toBe(108);
  });

  /**
   * The tick drawn after a hundred frames of which every third came that much late, and the longest
   * such lateness.
   */
  function drawnAfter(late: number): number {
    const clock = new Clock(50);
    for (let tick = 1; tick <= 100; tick++)
      clock.hear(tick, 1000 + tick * 50 + (tick % 3 === 0 ? late : 0));
    return clock.tickAt(1000 + 100 * 50);
  }

  test("on a good connection others are a tenth of a second behind", () => {
    expect(Math.abs(drawnAfter(20) - 98)).toBeLessThan(0.5);
  });

  test("the later frames come, the farther behind others are drawn", () => {
    expect(drawnAfter(250)).toBeLessThan(100 - 250 / 50);
    expect(drawnAfter(250)).toBeGreaterThan(100 - 350 / 50);
    expect(drawnAfter(3000)).toBeGreaterThan(100 - 600 / 50);
  });

  test("what was drawn is not drawn again, though frames come late and in heaps", () => {
    const crowd = new Crowd(WIDTH);
    const clock = new Clock(50);
    let [sent, last] = [0, 0];
    // A drawn frame every 16 ms; server frames come in bursts of four, and from time to time the
    // connection is stuck.
    const arrival = (tick: number) => {
      const at = Math.ceil(tick / 4) * 200 + 100;
      return [300, 400, 250].reduce((due, stuck, index) => {
        const from = 2000 + index * 900;
        return at >= from && at < from + stuck ? from + stuck : due;
      }, at);
    };
    for (let now = 0; now < 8000; now += 16) {
      while (arrival(sent + 1) <= now) {
        sent++;
        crowd.apply(
          frame(sent, {
            cells: [cell(0, { full: sent === 1, entries: [entry(1, sent * 4, 100)] })],
          }),
        );
        clock.hear(sent, arrival(sent));
      }
      crowd.walkers.get(1)?.at(clock.tickAt(now), place);
      if (sent === 0) continue;
      expect(place.x, `at ${now} ms`).toBeGreaterThanOrEqual(last);
      last = place.x;
    }
    expect(last, "and in the end it is about as late as it must be").toBeGreaterThan(
      ((8000 - 700) / 50) * 4,
    );
  });

  test("after a long stall time goes on from what was drawn", () => {
    const clock = new Clock(50);
    for (let tick = 1; tick <= 100; tick++) clock.hear(tick, tick * 50);
    expect(clock.tickAt(11_000)).toBeGreaterThan(100);
    clock.hear(101, 11_050);
    expect(clock.tickAt(11_050)).toBe(100);
    for (let tick = 102; tick <= 110; tick++) clock.hear(tick, 11_050 + (tick - 101) * 50);
    expect(clock.tickAt(11_500)).toBeCloseTo(108);
  });
});
