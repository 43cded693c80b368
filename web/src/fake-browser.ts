/**
 * Fake browser: for tests that render components to text: as much of a browser as the modules of
 * components need to be loaded. It is imported before them.
 */

const nothing = () => {};
const kept = new Map<string, string>();
const session = new Map<string, string>();
const events = { addEventListener: nothing, removeEventListener: nothing };

const fakes = {
  ...events,
  document: {
    ...events,
    baseURI: "http://localhost/",
    title: "",
    hidden: false,
    documentElement: { dataset: {} },
    querySelector: () => null,
  },
  location: new URL("http://localhost/"),
  localStorage: {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
    removeItem: (name: string) => void kept.delete(name),
  },
  sessionStorage: {
    getItem: (name: string) => session.get(name) ?? null,
    setItem: (name: string, value: string) => void session.set(name, value),
    removeItem: (name: string) => void session.delete(name),
  },
  matchMedia: () => ({ ...events, matches: false }),
  navigator: {},
};

for (const [name, value] of Object.entries(fakes))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
