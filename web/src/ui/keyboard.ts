/** Keyboard: the direction of the walking keys that are held, and shortcuts of components. */

import { useEffect, useRef } from "preact/hooks";
import { is, type Shortcut } from "./keys";

const KEYS: Record<string, readonly [number, number]> = {
  ArrowUp: [0, -1],
  KeyW: [0, -1],
  ArrowDown: [0, 1],
  KeyS: [0, 1],
  ArrowLeft: [-1, 0],
  KeyA: [-1, 0],
  ArrowRight: [1, 0],
  KeyD: [1, 0],
};

/** Directions by the signs of y (rows: up, none, down) and x (columns: left, none, right). */
const DIRECTIONS = [
  [8, 1, 2],
  [7, 0, 3],
  [6, 5, 4],
] as const;

/** Whether keys are text for the field that has the focus. */
export function isTyping({ target }: Event): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest("input, textarea, select, [contenteditable]") !== null
  );
}

/** Whether the key is a command for the browser. */
export function hasModifier({ ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return ctrlKey || metaKey || altKey;
}

/** Does what belongs to a key when it is pressed, unless the person is typing. */
export function useShortcuts(...actions: (readonly [Shortcut, () => void])[]): void {
  const latest = useRef(actions);
  latest.current = actions;
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (isTyping(event) || hasModifier(event) || event.repeat) return;
      latest.current.find(([shortcut]) => is(event, shortcut))?.[1]();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, []);
}

export class HeldKeys {
  readonly #down = new Set<string>();

  constructor(private readonly tell: (direction: number, run: boolean) => void) {}

  /** `true` when the key is one that walks. */
  down(code: string, run: boolean): boolean {
    const isOurs = code in KEYS;
    if (isOurs) this.#down.add(code);
    if (isOurs || code.startsWith("Shift")) this.#tell(run);
    return isOurs;
  }

  up(code: string, run: boolean): void {
    this.#down.delete(code);
    this.#tell(run);
  }

  /** The window lost the keyboard: nothing is held any more. */
  release(): void {
    this.#down.clear();
    this.#tell(false);
  }

  #tell(run: boolean): void {
    let [x, y] = [0, 0];
    for (const code of this.#down) {
      const [dx, dy] = KEYS[code] ?? [0, 0];
      x += dx;
      y += dy;
    }
    this.tell(DIRECTIONS[Math.sign(y) + 1]?.[Math.sign(x) + 1] ?? 0, run);
  }
}
