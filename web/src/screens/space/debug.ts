/** Debug: figures of the page for `?debug`; journeys and the load of the browser read them. */

import type { Call } from "../../media/call";
import type { Space } from "../../net/space";
import type { Stage } from "../../render/stage";

/** Shows the figures as `__plaza()`, if the address asks for it. */
export function showFigures(stage: Stage, space: Space, call: Call): void {
  if (new URLSearchParams(location.search).has("debug"))
    Reflect.set(window, "__plaza", () => figures(stage, space, call));
}

function figures(stage: Stage, space: Space, call: Call) {
  const { people, map, walking: own } = space;
  const walkers = [...people.crowd.walkers.values()].map(({ player, trail }) => {
    const { x, y } = trail.at(-1) ?? { x: 0, y: 0 };
    const name = people.card(player)?.name ?? "";
    return { player, name, x, y, drawn: stage.drawnAt(player) };
  });
  const { body, corrections, largest, jumps, walking, pending, seq } = own.prediction ?? {};
  return {
    ...stage.figures(),
    ...space.figures,
    body: { ...body },
    corrections,
    largest,
    jumps,
    walking,
    pending,
    seq,
    walkers,
    faces: () => facesOf(stage),
    signs: stage.signs(),
    seeThrough: stage.seeThrough,
    calls: call.figures(),
    size: { width: map.current?.width, height: map.current?.height },
    connections: () => call.connections(),
    speaking: [...call.speaking.value],
    peers: [...space.calls.peers.value.values()],
    zones: space.zones.here().map((index) => map.current?.zones[index]?.name),
    me: people.me,
    epoch: space.epoch,
    roundTrip: space.roundTrip,
    delay: people.delay,
    status: space.status.value.kind,
  };
}

/** The faces and names in the window, in CSS pixels. */
function facesOf(stage: Stage): { left: number; top: number; right: number; bottom: number }[] {
  const faces: ReturnType<typeof facesOf> = [];
  stage.eachFace((left, top, right, bottom) => faces.push({ left, top, right, bottom }));
  return faces;
}
