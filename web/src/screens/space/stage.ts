/** Stage: draws the world on the screen, and keeps the own player where no panel covers it. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Call } from "../../media/call";
import type { Space } from "../../net/space";
import type { Stage } from "../../render/stage";
import { Overlay } from "../../ui/overlay";
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
      const over = new Overlay(overlay.current, space.overhead, () => call.speaking.peek());
      opened.onDrawn = (now) => over.draw(now, (player) => opened.head(player));
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
