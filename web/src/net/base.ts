/**
 * Base: the address of this Plaza. Behind a reverse proxy it may be below a path that no setting
 * names: the server writes it into the page, relative to the requested address, and the browser
 * resolves it.
 */

/**
 * The address of the front page; ends with a slash. Outside of a browser there is only the root.
 */
const BASE = new URL(".", typeof document === "undefined" ? "http://localhost/" : document.baseURI);

/** The path before every path of Plaza, with a slash at its end. */
const PREFIX = BASE.pathname;

/**
 * The address of a Plaza path, `/s/…` or `/files/…`, as the browser must request it. Other
 * addresses stay as they are.
 */
export function here(path: string): string {
  return path.startsWith("/") && !path.startsWith("//") ? PREFIX + path.slice(1) : path;
}

/** The Plaza path of an address of this origin; `undefined` when it is not Plaza's. */
export function ours(pathname: string): string | undefined {
  if (pathname.startsWith(PREFIX)) return pathname.slice(PREFIX.length - 1);
  return `${pathname}/` === PREFIX ? "/" : undefined;
}

/** The whole address of a Plaza path, to be shared. */
export function whole(path: string): URL {
  return new URL(here(path), BASE);
}
