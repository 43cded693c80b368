import { expect, test } from "vitest";
import { pointers } from "./pointer";

function world() {
  const told: string[] = [];
  const listeners = pointers({
    zoomBy: (factor) => told.push(`zoom ${factor.toFixed(1)}`),
    tap: (x, y) => told.push(`tap ${x} ${y}`),
  });
  const event = (pointerId: number, clientX: number, clientY = 0, button = 0) =>
    ({ pointerId, clientX, clientY, button, isPrimary: pointerId === 1 }) as PointerEvent;
  return { told, event, ...listeners };
}

test("a pointer that stays where it was taps; one that was drawn away does not", () => {
  const { told, event, onPointerDown, onPointerMove, onPointerUp } = world();
  onPointerDown(event(1, 5, 6));
  onPointerUp(event(1, 5, 6));
  onPointerDown(event(1, 5));
  onPointerMove(event(1, 30));
  onPointerUp(event(1, 30));
  onPointerDown(event(1, 5));
  onPointerUp(event(1, 5, 0, 2));
  expect(told).toEqual(["tap 5 6"]);
});

test("two fingers zoom by how far they go apart, and do not tap", () => {
  const { told, event, onPointerDown, onPointerMove, onPointerUp } = world();
  onPointerDown(event(1, 0));
  onPointerDown(event(2, 100));
  onPointerMove(event(2, 200));
  onPointerUp(event(2, 200));
  onPointerUp(event(1, 0));
  expect(told).toEqual(["zoom 2.0"]);
  onPointerDown(event(1, 0));
  onPointerUp(event(1, 0));
  expect(told).toEqual(["zoom 2.0", "tap 0 0"]);
});

test("a pointer that was released elsewhere is no second finger", () => {
  const { told, event, onPointerDown, onPointerUp } = world();
  onPointerDown(event(2, 50));
  onPointerDown(event(1, 7));
  onPointerUp(event(1, 7));
  expect(told).toEqual(["tap 7 0"]);
});
