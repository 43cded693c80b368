/** Minimap: where the names of zones go on a small map, so that all can be read. Pure. */

/** The rectangle of a zone on the map, in CSS pixels, and how wide its name is. */
export interface Named {
  x: number;
  y: number;
  width: number;
  height: number;
  nameWidth: number;
}

/** The middle of a name. */
export interface NamePlace {
  x: number;
  y: number;
}

/** Height of a name. */
const HEIGHT = 14;
const GAP = 2;

/**
 * Where each name stands: in its zone, over or under it. Those of large zones are placed first; one
 * that finds no room is left out.
 */
export function placeNames(
  zones: readonly Named[],
  width: number,
  height: number,
): (NamePlace | undefined)[] {
  const taken: { left: number; top: number; right: number; bottom: number }[] = [];
  const places: (NamePlace | undefined)[] = zones.map(() => undefined);
  const order = [...zones.keys()].sort((one, other) => areaOf(zones[other]) - areaOf(zones[one]));
  for (const index of order) {
    const zone = zones[index];
    if (!zone) continue;
    const half = zone.nameWidth / 2;
    const x = Math.min(Math.max(zone.x + zone.width / 2, half + GAP), width - half - GAP);
    const middle = zone.y + zone.height / 2;
    const away = zone.height / 2 + HEIGHT / 2 + GAP;
    for (const y of [middle, middle - away, middle + away]) {
      const box = { left: x - half, top: y - HEIGHT / 2, right: x + half, bottom: y + HEIGHT / 2 };
      const isInside = box.top >= 0 && box.bottom <= height && box.left >= 0;
      const isFree = taken.every(
        (other) =>
          box.left >= other.right + GAP ||
          other.left >= box.right + GAP ||
          box.top >= other.bottom ||
          other.top >= box.bottom,
      );
      if (!isInside || !isFree) continue;
      taken.push(box);
      places[index] = { x, y };
      break;
    }
  }
  return places;
}

function areaOf(zone: Named | undefined): number {
  return zone ? zone.width * zone.height : 0;
}
