/**
 * Base: where this Plaza lives. Behind a reverse proxy that may be below a path, which no setting
 * tells: the server names it in the page, relative to the address that was asked for, and the
 * browser knows the rest.
 */

/**
 * The address of the front page; ends with a slash. Outside of a browser there is only the root.
 */
const BASE = new URL(".", typeof document === "undefined" ? "http://localhost/" : document.baseURI);

/** The path in front of every path of ours, with a slash at its end. */
const PREFIX = BASE.pathname;

/**
 * The address for a path of ours, `/s/…` or `/files/…`, as it is to be asked for from here.
 * Addresses elsewhere stay as they are.
 */
export function here(path: string): string {
  return path.startsWith("/") && !path.startsWith("//") ? PREFIX + path.slice(1) : path;
}

/** The path of ours that an address of this origin stands for; nothing when it is not ours. */
export function ours(pathname: string): string | undefined {
  if (pathname.startsWith(PREFIX)) return pathname.slice(PREFIX.length - 1);
  return `${pathname}/` === PREFIX ? "/" : undefined;
}

/** The whole address of a path of ours, to be given to others. */
export function whole(path: string): URL {
  return new URL(here(path), BASE);
}
