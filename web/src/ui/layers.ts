/**
 * Layers: what can be put away, the topmost first: Escape closes one at a time. Dialogs of the
 * browser's own come before all of these by themselves.
 */

import { useLayoutEffect, useRef } from "preact/hooks";

type Close = () => void;

const open: { close: Close }[] = [];

/** Puts the topmost thing away; `false` when nothing is open. */
export function closeTopmost(): boolean {
  const top = open.at(-1);
  top?.close();
  return top !== undefined;
}

/** While the component is there, it is what Escape closes, unless something came over it. */
export function useLayer(close: Close): void {
  const layer = useRef({ close });
  layer.current.close = close;
  // At once, not after the next picture: the key may come before it.
  useLayoutEffect(() => {
    const mine = layer.current;
    open.push(mine);
    return () => {
      open.splice(open.indexOf(mine), 1);
    };
  }, []);
}
