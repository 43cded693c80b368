/**
 * Route: which screen the address names. Paths here are ours; what a proxy puts in front of them is
 * `net/base.ts`'s business.
 */

import { signal } from "@preact/signals";
import { here, ours } from "../net/base";

const current = () => (ours(location.pathname) ?? "/") + location.search;

export const address = signal(current());

addEventListener("popstate", () => {
  address.value = current();
});

/** Links within Plaza change the screen without loading the page. */
document.addEventListener("click", (event) => {
  if (
    event.defaultPrevented ||
    event.button !== 0 ||
    event.metaKey ||
    event.ctrlKey ||
    event.shiftKey
  )
    return;
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || link.origin !== location.origin || link.target) return;
  const path = ours(link.pathname);
  if (path === undefined || path.startsWith("/api/")) return;
  event.preventDefault();
  go(path + link.search);
});

export function go(to: string, replace = false): void {
  if (replace) history.replaceState(null, "", here(to));
  else history.pushState(null, "", here(to));
  address.value = to;
  scrollTo(0, 0);
}
