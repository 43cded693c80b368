/** Pointer: taps and clicks walk or pick; the wheel and two fingers zoom. */

/** Pixels that a pointer may move in a tap. */
const TAP = 10;

/** What pointers act on. */
export interface PointerPort {
  zoomBy(factor: number): void;
  /** Someone tapped here, in pixels of the window. */
  tap(x: number, y: number): void;
}

interface Point {
  x: number;
  y: number;
  fromX: number;
  fromY: number;
}

/** The listeners of the world's element. */
export function pointers(port: PointerPort) {
  const down = new Map<number, Point>();
  let isPinch = false;
  const spread = () => {
    const [a, b] = [...down.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  return {
    onPointerDown: ({ pointerId, clientX: x, clientY: y, isPrimary }: PointerEvent) => {
      // A pointer that was released elsewhere is not known to be up.
      if (isPrimary) down.clear();
      down.set(pointerId, { x, y, fromX: x, fromY: y });
      isPinch = down.size > 1;
    },
    onPointerMove: ({ pointerId, clientX, clientY }: PointerEvent) => {
      const point = down.get(pointerId);
      if (!point) return;
      const before = spread();
      point.x = clientX;
      point.y = clientY;
      if (isPinch && before > 0) port.zoomBy(spread() / before);
    },
    onPointerUp: ({ pointerId, clientX, clientY, button }: PointerEvent) => {
      const point = down.get(pointerId);
      down.delete(pointerId);
      if (!point) return;
      const wasTap = !isPinch && Math.hypot(point.x - point.fromX, point.y - point.fromY) < TAP;
      if (down.size === 0) isPinch = false;
      if (wasTap && button === 0) port.tap(clientX, clientY);
    },
    onPointerCancel: ({ pointerId }: PointerEvent) => {
      down.delete(pointerId);
    },
    onWheel: (event: WheelEvent) => {
      event.preventDefault();
      port.zoomBy(Math.exp(-event.deltaY * 0.0015));
    },
  };
}
