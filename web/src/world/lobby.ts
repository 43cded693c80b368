/**
 * Lobby: in which order spaces are shown, and which map a new one is made of unless another is
 * chosen.
 */

/** Those with most people first, then those the person was in last, then as they came. */
export function byLife<Space extends { id: string; people: number }>(
  spaces: readonly Space[],
  visited: ReadonlyMap<string, number> = visits(),
): Space[] {
  const last = ({ id }: Space) => visited.get(id) ?? 0;
  return [...spaces].sort((a, b) => b.people - a.people || last(b) - last(a));
}

/** Maps that fit most groups, the best first. */
const USUAL = [/^office$/i, /office/i, /^park$/i, /park/i];

/** The map that is chosen before the person chooses. */
export function usual<Map extends { name: string }>(maps: readonly Map[]): Map | undefined {
  for (const name of USUAL) {
    const found = maps.find((map) => name.test(map.name.trim()));
    if (found) return found;
  }
  return maps[0];
}

const KEY = "plaza.visits";
/** Spaces that are remembered. */
const MOST = 100;

/** When this browser was last in which space. */
export function visits(): Map<string, number> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    const isVisit = (one: unknown): one is [string, number] =>
      Array.isArray(one) && typeof one[0] === "string" && typeof one[1] === "number";
    return new Map(Array.isArray(kept) ? kept.filter(isVisit) : []);
  } catch {
    return new Map();
  }
}

/** Remembers that the person is in a space now. */
export function visit(space: string, now: number): void {
  const known = visits();
  known.delete(space);
  const newest = [...known, [space, now] as const].slice(-MOST);
  localStorage.setItem(KEY, JSON.stringify(newest));
}
