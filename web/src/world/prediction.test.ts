import { describe, expect, test } from "vitest";
import { type Grid, step } from "./movement";
import { type Authority, type Input, Prediction } from "./prediction";

const grid: Grid = { width: 10, height: 10, blockers: new Uint16Array(100) };
for (let y = 0; y < 10; y++) grid.blockers[y * 10 + 6] = 1;

const start = (): Authority => ({ x: 160, y: 160, carryX: 0, carryY: 0, facing: 0, walking: false });

/** A server that applies inputs some steps late. */
function serverAfter(inputs: Input[]): Authority {
  const body = start();
  for (const input of inputs) step(body, grid, input.direction, input.run, 20);
  return body;
}

describe("prediction", () => {
  test("is right when nothing unexpected happens, however late the answers are", () => {
    const prediction = new Prediction(start(), grid, 20);
    const sent: Input[] = [];
    for (let tick = 0; tick < 60; tick++) {
      sent.push(prediction.step(tick < 30 ? 3 : 5, tick % 7 === 0));
      if (tick >= 6) prediction.reconcile(serverAfter(sent.slice(0, tick - 5)), sent[tick - 6]?.seq ?? 0);
    }
    expect(prediction.corrections).toBe(0);
    const { walking: _, ...truth } = serverAfter(sent);
    expect(prediction.body).toEqual(truth);
  });

  test("takes the server's word and fades the difference", () => {
    const prediction = new Prediction(start(), grid, 20);
    prediction.step(3, false);
    prediction.reconcile({ ...start(), x: 150 }, 1);
    expect(prediction.body.x).toBe(150);
    expect(prediction.corrections).toBe(1);
    const shown = { x: 0, y: 0 };
    prediction.place(1, shown);
    expect(shown.x).toBeCloseTo(176);
    prediction.fade(1);
    prediction.place(1, shown);
    expect(shown.x).toBeCloseTo(150, 1);
  });

  test("does not slide across the map when the server moved the player far", () => {
    const prediction = new Prediction(start(), grid, 20);
    prediction.reconcile({ ...start(), x: 500, y: 500 }, 0);
    const shown = { x: 0, y: 0 };
    prediction.place(0, shown);
    expect(shown).toEqual({ x: 500, y: 500 });
  });

  test("goes on counting after a reconnect", () => {
    const prediction = new Prediction(start(), grid, 20);
    prediction.reconcile(start(), 41);
    expect(prediction.nextSeq()).toBe(42);
  });

  test("a held direction ends a walk at once", () => {
    const prediction = new Prediction({ ...start(), walking: true }, grid, 20);
    prediction.step(1, false);
    expect(prediction.walking).toBe(false);
    prediction.reconcile({ ...start(), walking: true }, 0);
    expect(prediction.walking).toBe(false);
  });

  test("a walk lasts from being asked for until the server says that it is over", () => {
    const prediction = new Prediction(start(), grid, 20);
    const seq = prediction.nextSeq();
    prediction.walk(seq);
    prediction.reconcile(start(), 0);
    expect(prediction.walking, "this frame left before the walk was known").toBe(true);
    prediction.reconcile({ ...start(), walking: true }, seq);
    expect(prediction.walking).toBe(true);
    prediction.reconcile(start(), seq);
    expect(prediction.walking).toBe(false);
  });
});
