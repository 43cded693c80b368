/**
 * Overlay: speech bubbles, emotes and the marks of those who speak, as elements of the page that
 * follow heads. `world/speech.ts` decides where bubbles stand.
 */

import type { Overhead as Shown } from "../net/overhead";
import type { Overhead } from "../render/actors";
import { EMOTES } from "../world/emotes";
import { type Box, type Bubble, placeBubbles, type Spot, TAIL, wordScale } from "../world/speech";

/** What the overlay needs of the stage. */
export interface OverlayPort {
  readonly zoom: number;
  /** Where a player's name and feet are, written into `into`; nothing when out of the window. */
  overhead(player: number, into: Overhead): Overhead | undefined;
  eachFace(tell: (left: number, top: number, right: number, bottom: number) => void): void;
  /** The part of the window that no bar or panel covers. */
  room(): Box;
  /** What else lies over the world in that part. */
  covers(): Box[];
  /** The own player. */
  me(): number;
  speaking(): ReadonlySet<number>;
}

/** Something that follows a head. */
interface Mark {
  element: HTMLElement;
  until: number;
  /** Where it was last put. */
  x: number;
  y: number;
}

interface Speech extends Mark {
  /** Size at full scale. */
  width: number;
  height: number;
  spot: Spot;
  tail: HTMLElement;
  /** Where it is on its way to its spot. */
  shift: number;
  lift: number;
}

/** Milliseconds that the mark of a speaking player stays after they fell silent. */
const SPEAKING_MILLIS = 200;
/** Milliseconds between two looks at where bubbles stand best. */
const PLACE_EVERY = 120;
/** Milliseconds between two looks at what bars and panels cover: the browser measures for it. */
const ROOM_EVERY = 600;
/** The side of an emote, in CSS pixels. */
const EMOTE = 36;
/** How much of the way to its spot a bubble goes with each frame. */
const EASE = 0.25;

const AT_REST: Spot = { shift: 0, lift: 0, isUnder: false, isFolded: false };

export class Overlay {
  readonly #speeches = new Map<number, Speech>();
  readonly #emotes = new Map<number, Mark>();
  readonly #speaking = new Map<number, Mark>();
  readonly #isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  readonly #at: Overhead = { x: 0, top: 0, half: 0, under: 0 };
  /** How large bubbles are. */
  #scale = 1;
  #placedAt = Number.NEGATIVE_INFINITY;
  /** What the page leaves free, as it was last measured. */
  #room: Box = { left: 0, top: 0, right: 0, bottom: 0 };
  #covers: readonly Box[] = [];
  #roomAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly holder: HTMLElement,
    private readonly shown: Shown,
    private readonly port: OverlayPort,
  ) {}

  /** Puts everything where heads are now. */
  draw(now: number): void {
    this.#hear(now);
    if (this.#speeches.size > 0 && now - this.#placedAt >= PLACE_EVERY) this.#place(now);
    for (const [player, speech] of this.#speeches) this.#drawSpeech(player, speech, now);
    for (const [player, mark] of this.#speaking) this.#drawSpeaking(player, mark, now);
    for (const [player, mark] of this.#emotes) this.#drawEmote(player, mark, now);
  }

  /** Takes what is new over heads. */
  #hear(now: number): void {
    for (const [player, { text, until }] of this.shown.speeches) {
      if (until > now && this.#speeches.get(player)?.until !== until)
        this.#say(player, text, until);
    }
    for (const [player, speech] of this.#speeches)
      if (!this.shown.speeches.has(player)) speech.until = Number.NEGATIVE_INFINITY;
    for (const [player, { kind, until }] of this.shown.emotes) {
      if (until > now && this.#emotes.get(player)?.until !== until) {
        const element = this.#make("emote", EMOTES[kind]?.sign ?? "");
        this.#emotes.get(player)?.element.remove();
        this.#emotes.set(player, { element, until, x: Number.NaN, y: 0 });
        this.#placedAt = Number.NEGATIVE_INFINITY;
      }
    }
    for (const player of this.port.speaking()) {
      const until = now + SPEAKING_MILLIS;
      const mark = this.#speaking.get(player);
      if (mark) mark.until = until;
      else {
        const element = this.#make("speaks", "");
        this.#speaking.set(player, { element, until, x: Number.NaN, y: 0 });
      }
    }
  }

  #make(kind: string, text: string): HTMLElement {
    const element = document.createElement("div");
    element.className = kind;
    element.dir = "auto";
    const inner = document.createElement("span");
    inner.textContent = text;
    element.append(inner);
    this.holder.append(element);
    return element;
  }

  #say(player: number, text: string, until: number): void {
    const before = this.#speeches.get(player);
    const element = this.#make("speech", text);
    const tail = document.createElement("i");
    element.append(tail);
    const { offsetWidth: width, offsetHeight: height } = element;
    before?.element.remove();
    this.#speeches.set(player, {
      ...{ element, tail, until, width, height, x: Number.NaN, y: 0 },
      ...{ spot: before?.spot ?? AT_REST, shift: before?.shift ?? 0, lift: before?.lift ?? 0 },
    });
    // It has to find its place before it is seen.
    this.#placedAt = Number.NEGATIVE_INFINITY;
  }

  /** Finds a place for every bubble, those near the own player first. */
  #place(now: number): void {
    this.#placedAt = now;
    const { port } = this;
    this.#scale = wordScale(port.zoom);
    if (now - this.#roomAt >= ROOM_EVERY) {
      this.#roomAt = now;
      this.#room = port.room();
      this.#covers = port.covers();
    }
    const faces = [...this.#covers];
    port.eachFace((left, top, right, bottom) => faces.push({ left, top, right, bottom }));
    for (const player of this.#emotes.keys()) {
      const at = port.overhead(player, this.#at);
      if (!at) continue;
      const [left, top] = [at.x - EMOTE / 2, at.top - EMOTE];
      faces.push({ left, top, right: left + EMOTE, bottom: at.top });
    }
    const own = port.overhead(port.me(), this.#at);
    const [ownX, ownY] = own ? [own.x, own.top] : [innerWidth / 2, innerHeight / 2];
    const seen: { speech: Speech; bubble: Bubble; far: number }[] = [];
    for (const [player, speech] of this.#speeches) {
      const at = port.overhead(player, this.#at);
      if (!at) continue;
      const bubble = {
        ...{ x: at.x, y: at.top - this.#over(player), under: at.under, last: speech.spot },
        ...{ width: speech.width * this.#scale, height: speech.height * this.#scale },
      };
      seen.push({ speech, bubble, far: Math.hypot(at.x - ownX, at.top - ownY) });
    }
    seen.sort((one, other) => one.far - other.far);
    const spots = placeBubbles(
      seen.map(({ bubble }) => bubble),
      faces,
      this.#room,
    );
    seen.forEach(({ speech }, index) => {
      speech.spot = spots[index] ?? AT_REST;
      const { isFolded, isUnder, lift } = speech.spot;
      // Long tails go behind the words of others.
      speech.element.style.zIndex = `${-Math.round(lift)}`;
      speech.element.classList.toggle("folded", isFolded);
      speech.element.classList.toggle("under", isUnder && !isFolded);
    });
  }

  #drawSpeech(player: number, speech: Speech, now: number): void {
    const at = this.#follow(this.#speeches, player, speech, now);
    if (!at) return;
    const { spot, element, tail } = speech;
    const ease = this.#isStill || Number.isNaN(speech.x) ? 1 : EASE;
    speech.shift += (spot.shift - speech.shift) * ease;
    speech.lift += (spot.lift - speech.lift) * ease;
    const [shift, lift] = [Math.round(speech.shift), Math.round(speech.lift)];
    const x = Math.round(at.x) + shift;
    const over = at.top - this.#over(player);
    const y = Math.round(spot.isUnder ? at.under + TAIL + lift : over - TAIL - lift);
    if (x === speech.x && y === speech.y) return;
    speech.x = x;
    speech.y = y;
    const scale = spot.isFolded ? 1 : this.#scale;
    const up = spot.isUnder ? "0" : "-100%";
    element.style.transform = `translate(${x}px, ${y}px) translate(-50%, ${up}) scale(${scale})`;
    tail.style.transform = `translateX(${-shift / scale}px)`;
    tail.style.height = `${(TAIL + lift) / scale}px`;
  }

  /** Next to the name, or over the head of a player whose name is not shown. */
  #drawSpeaking(player: number, mark: Mark, now: number): void {
    const at = this.#follow(this.#speaking, player, mark, now);
    if (!at) return;
    const y = at.half > 0 ? at.top + 11 : at.top - 8;
    put(mark, Math.round(at.x - (at.half > 0 ? at.half + 2 : 0)), Math.round(y), "-50%");
  }

  /** Over the name; what the player says goes over it. */
  #drawEmote(player: number, mark: Mark, now: number): void {
    const at = this.#follow(this.#emotes, player, mark, now);
    if (at) put(mark, Math.round(at.x), Math.round(at.top - 2), "-100%");
  }

  /** How high over the name of a player a bubble begins. */
  #over(player: number): number {
    return this.#emotes.has(player) ? EMOTE : 0;
  }

  /** Where the head of a mark is. Without one the mark is hidden; after its time it is removed. */
  #follow(all: Map<number, Mark>, player: number, mark: Mark, now: number): Overhead | undefined {
    if (mark.until <= now) {
      mark.element.remove();
      all.delete(player);
      return undefined;
    }
    const at = this.port.overhead(player, this.#at);
    if (mark.element.hidden !== (at === undefined)) mark.element.hidden = at === undefined;
    return at;
  }
}

function put(mark: Mark, x: number, y: number, up: string): void {
  if (mark.x === x && mark.y === y) return;
  mark.x = x;
  mark.y = y;
  mark.element.style.transform = `translate(${x}px, ${y}px) translate(-50%, ${up})`;
}
