/**
 * Layers: what Escape closes, the topmost first, one at a time. Dialogs of the browser handle
 * Escape before these.
 */

import { useLayoutEffect, useRef } from "preact/hooks";

type Close = () => void;

const open: { close: Close }[] = [];

/** Closes the topmost layer; `false` when nothing is open. */
export function closeTopmost(): boolean {
  const top = open.at(-1);
  top?.close();
  return top !== undefined;
}

/** Makes the component the layer that Escape closes, unless another one is above it. */
export function useLayer(close: Close): void {
  const layer = useRef({ close });
  layer.current.close = close;
  // At once, not after the next drawn frame: the key may come before it.
  useLayoutEffect(() => {
    const mine = layer.current;
    open.push(mine);
    return () => {
      open.splice(open.indexOf(mine), 1);
    };
  }, []);
}
