/**
 * Focus: where the keyboard focus goes after something came or went, and arrow keys in tabs and
 * lists.
 */

import { useEffect, useRef } from "preact/hooks";

/** Puts the focus on the heading of a new screen, unless something in it has the focus already. */
export function useArrival(screen: string): void {
  const before = useRef<string | null>(null);
  useEffect(() => {
    const isFirst = before.current === null;
    before.current = screen;
    // A page that was just loaded is read from its beginning.
    if (isFirst) return;
    const frame = requestAnimationFrame(() => {
      if (document.activeElement && document.activeElement !== document.body) return;
      const heading = document.querySelector("h1");
      if (!heading) return;
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [screen]);
}

/** Moves the focus into a panel that was opened, and back when the panel closes. */
export function useFocusInside(panel: { current: HTMLElement | null }): void {
  useEffect(() => {
    const before = document.activeElement;
    const inside = panel.current?.querySelector<HTMLElement>("[data-first]");
    // On a touch screen a field would bring the keyboard up.
    const isTouch = matchMedia("(pointer: coarse)").matches;
    (inside && !isTouch ? inside : panel.current)?.focus({ preventScroll: true });
    return () => {
      const isLost = !document.activeElement || document.activeElement === document.body;
      if (isLost && before instanceof HTMLElement && before.isConnected)
        before.focus({ preventScroll: true });
    };
  }, []);
}

const STEPS: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** Moves the focus among elements of a tab list or a list by arrow keys, Home and End. */
export function rove(event: KeyboardEvent & { currentTarget: Element }, selector: string): void {
  const all = [...event.currentTarget.querySelectorAll<HTMLElement>(selector)];
  const now = all.findIndex((one) => one.matches(":focus"));
  if (now < 0) return;
  const step = STEPS[event.key];
  const at =
    event.key === "Home"
      ? 0
      : event.key === "End"
        ? all.length - 1
        : step === undefined
          ? -1
          : now + step;
  const to = all[(at + all.length) % all.length];
  if (!to || (step === undefined && event.key !== "Home" && event.key !== "End")) return;
  event.preventDefault();
  event.stopPropagation();
  to.focus();
}
