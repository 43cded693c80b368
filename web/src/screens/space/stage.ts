/** Stage: draws the world on the screen, and keeps the own player where no panel covers it. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Call } from "../../media/call";
import type { Space } from "../../net/space";
import type { Stage } from "../../render/stage";
import { Overlay } from "../../ui/overlay";
import { ringUnder } from "../../world/rings";
import type { Box } from "../../world/speech";
import { showFigures } from "./debug";

interface Held<T> {
  current: T | null;
}

export interface StageState {
  stage: Held<Stage>;
  /** 0 to 1 while pictures are loaded, 2 once the world is drawn. */
  loaded: number;
  failure: string | null;
}

/** Draws the world into one element, and what stands over heads into another. */
export function useStage(
  space: Space,
  call: Call,
  world: Held<HTMLElement>,
  overlay: Held<HTMLElement>,
): StageState {
  const stage = useRef<Stage | null>(null);
  const [loaded, setLoaded] = useState(0);
  const [failure, setFailure] = useState<string | null>(null);
  useEffect(() => {
    let isClosed = false;
    const open = async () => {
      const { Stage } = await import("../../render/stage");
      if (isClosed || !world.current || !overlay.current) return;
      const opened = await Stage.open(world.current, space, setLoaded);
      if (isClosed) {
        opened.close();
        return;
      }
      stage.current = opened;
      const over = new Overlay(overlay.current, space.overhead, {
        get zoom() {
          return opened.zoom;
        },
        overhead: (player, into) => opened.overhead(player, into),
        eachFace: (tell) => opened.eachFace(tell),
        room: freeRoom,
        covers: hudBoxes,
        me: () => space.people.me,
        speaking: () => call.speaking.peek(),
      });
      opened.ringOf = (player) => ringOf(space, call, player);
      opened.onDrawn = (now) => over.draw(now);
      showFigures(opened, space, call);
      setLoaded(2);
    };
    open().catch((error: Error) => {
      console.error(error);
      setFailure(error.message);
    });
    return () => {
      isClosed = true;
      stage.current?.close();
      stage.current = null;
    };
  }, [space]);
  return { stage, loaded, failure };
}

/** The mark on the floor under a player. */
function ringOf(space: Space, call: Call, player: number): number {
  const isSpeaking = call.speaking.peek().has(player);
  return ringUnder(player === space.people.me, space.calls.peers.peek().get(player), isSpeaking);
}

/** What lies over the world next to the bar and the panel. */
function hudBoxes(): Box[] {
  const things = document.querySelectorAll(".notices > *, .place > *, .deck > *, .minimap");
  return Array.from(things, (thing) => thing.getBoundingClientRect());
}

/** The part of the window that neither the bar nor the panel covers. */
function freeRoom(): Box {
  const bar = document.querySelector(".hud > .bar")?.getBoundingClientRect();
  const side = document.querySelector(".hud > .side")?.getBoundingClientRect();
  const { right, bottom } = coveredBy(side, innerWidth, innerHeight);
  return {
    ...{ left: 4, top: (bar?.bottom ?? 0) + 4 },
    ...{ right: innerWidth - right - 4, bottom: innerHeight - bottom - 4 },
  };
}

/** The camera keeps the own player in the middle of what no panel covers. */
export function useCover(
  hud: Held<HTMLElement>,
  { stage, loaded }: StageState,
  open: string | null,
): void {
  useEffect(() => {
    const measure = () => {
      const side = hud.current?.querySelector(".side")?.getBoundingClientRect();
      const { right, bottom } = coveredBy(side, innerWidth, innerHeight);
      stage.current?.cover(right, bottom);
    };
    measure();
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, [open, loaded]);
}

/** How much of the window a panel takes, on the right or at the bottom. */
export function coveredBy(
  side: { left: number; top: number; width: number } | undefined,
  width: number,
  height: number,
): { right: number; bottom: number } {
  const isBelow = side !== undefined && side.width > width / 2 && side.top > height / 4;
  const right = side && !isBelow ? width - side.left : 0;
  const bottom = side && isBelow ? height - side.top : 0;
  // A panel that covers nearly everything leaves no part to centre in.
  return { right: right < width * 0.7 ? right : 0, bottom: bottom < height * 0.75 ? bottom : 0 };
}
