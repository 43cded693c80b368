/**
 * Speech: where speech bubbles stand, so that none covers a face, a name or another bubble; and
 * which fold to a dot. Pure; `ui/overlay.ts` draws them.
 */

/** A rectangle on the screen, in CSS pixels. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** A bubble to place. */
export interface Bubble {
  /** The point that its tail shows to: the middle of the person, over their name. */
  x: number;
  y: number;
  /** Where it would begin under the person, when there is no room over them. */
  under: number;
  width: number;
  height: number;
  /** Where it was last: it stays there unless something is in the way, or it was far. */
  last?: Spot | undefined;
}

/** Where a bubble stands. */
export interface Spot {
  /** How far its middle is right of its person. */
  shift: number;
  /** How far it is away from its person, which is how long its tail is. */
  lift: number;
  isUnder: boolean;
  /** A dot in place of the words: there is no room for them. */
  isFolded: boolean;
}

/** Length of the shortest tail. */
export const TAIL = 8;
/** Pixels of a bubble's side that the tail keeps away from. */
const CORNER = 18;
/** Pixels between two bubbles. */
const GAP = 4;
/** How far bubbles are pushed up, at most, and in which steps. */
const LIFTS = [0, 14, 28, 42, 60, 80, 104, 132, 164];
/** Farther away under a person, the tail would cross other people. */
const MOST_UNDER = 28;
/** How far they are pushed aside, as parts of what the tail allows. */
const SHIFTS = [0, -0.5, 0.5, -1, 1];
/** How much worse a place under a person is, where bubbles cover bodies. */
const UNDER = 240;
export const DOT: Readonly<{ width: number; height: number }> = { width: 34, height: 20 };
/** Square pixels of the window for each bubble with words. */
const PIXELS_EACH = 60_000;

/** Words over the world have their full size from this zoom on; farther away they are smaller. */
const FULL_AT = 1.1;
const SMALLEST = 0.72;

/** How large names, signs and bubbles are on the screen at a zoom, as a part of their full size. */
export function wordScale(zoom: number): number {
  return Math.min(1, Math.max(SMALLEST, zoom / FULL_AT));
}

/** The bubbles that have words in a window: in a crowd those that come first. */
export function mostOpen(window: Box): number {
  const pixels = (window.right - window.left) * (window.bottom - window.top);
  return Math.min(8, Math.max(2, Math.floor(pixels / PIXELS_EACH)));
}

/**
 * Places bubbles, the most important first. Those that find no free place, and those after the
 * first few, are folded.
 */
export function placeBubbles(
  bubbles: readonly Bubble[],
  faces: readonly Box[],
  window: Box,
): Spot[] {
  const taken: Box[] = [];
  const most = mostOpen(window);
  let open = 0;
  return bubbles.map((bubble) => {
    const isFree = (spot: Spot) => {
      const box = boxOf(bubble, spot);
      return (
        isInside(box, window) &&
        !taken.some((other) => overlap(box, other, GAP)) &&
        !faces.some((other) => overlap(box, other, 0))
      );
    };
    const found = open < most ? bestOf(bubble, isFree) : undefined;
    const spot = found ?? dotsOf(bubble).find(isFree) ?? FOLDED;
    if (!spot.isFolded) open++;
    taken.push(boxOf(bubble, spot));
    return spot;
  });
}

const FOLDED: Spot = { shift: 0, lift: 0, isUnder: false, isFolded: true };

/** The rectangle of a bubble, without its tail. */
export function boxOf(bubble: Bubble, { shift, lift, isUnder, isFolded }: Spot): Box {
  const { width, height } = isFolded ? DOT : bubble;
  const left = bubble.x + shift - width / 2;
  const top = isUnder ? bubble.under + TAIL + lift : bubble.y - TAIL - lift - height;
  return { left, top, right: left + width, bottom: top + height };
}

/** How much better another place has to be for a bubble to move there. */
const WORTH_MOVING = 40;

/** The free place that is nearest to the person, or where the bubble was, if that is as good. */
function bestOf(bubble: Bubble, isFree: (spot: Spot) => boolean): Spot | undefined {
  const { width, last } = bubble;
  const best = spotsOf(bubble).find(isFree);
  if (!best || !last || last.isFolded || Math.abs(last.shift) > width / 2 - CORNER) return best;
  return costOf(last) <= costOf(best) + WORTH_MOVING && isFree(last) ? last : best;
}

function costOf({ shift, lift, isUnder }: Spot): number {
  return lift + Math.abs(shift) * 0.4 + (isUnder ? UNDER : 0);
}

/** Where a bubble may stand, the best first. */
function spotsOf({ width }: Bubble): Spot[] {
  const most = Math.max(0, width / 2 - CORNER);
  const spots: Spot[] = [];
  for (const isUnder of [false, true])
    for (const lift of LIFTS.filter((lift) => !isUnder || lift <= MOST_UNDER))
      for (const part of SHIFTS) spots.push({ shift: part * most, lift, isUnder, isFolded: false });
  return spots.sort((one, other) => costOf(one) - costOf(other));
}

function dotsOf({ last }: Bubble): Spot[] {
  const dots = LIFTS.slice(0, 3).map((lift) => ({ ...FOLDED, lift }));
  return last?.isFolded ? [last, ...dots] : dots;
}

function isInside(box: Box, window: Box): boolean {
  return (
    box.left >= window.left &&
    box.top >= window.top &&
    box.right <= window.right &&
    box.bottom <= window.bottom
  );
}

function overlap(one: Box, other: Box, gap: number): boolean {
  return (
    one.left < other.right + gap &&
    other.left < one.right + gap &&
    one.top < other.bottom + gap &&
    other.top < one.bottom + gap
  );
}
