import { expect, test } from "vitest";
import { STATUS } from "../world/statuses";
import type { StatusC2s } from "./codec.gen";
import { OwnStatus, WAVE } from "./own-status";

function own() {
  const sent: StatusC2s[] = [];
  const waves: number[][] = [];
  const part = new OwnStatus({
    send: (message) => sent.push(message),
    waved: (player, kind) => waves.push([player, kind]),
  });
  return { part, sent, waves };
}

test("a new connection is told what was chosen and switched on, and nothing else", () => {
  const { part, sent } = own();
  part.begin();
  expect(sent).toEqual([]);
  part.choose(STATUS.busy);
  part.media(true, false, false);
  sent.length = 0;
  part.begin();
  expect(sent).toEqual([
    { type: "Media", audio: true, video: false, screen: false },
    { type: "Set", status: STATUS.busy },
  ]);
});

test("waves go both ways", () => {
  const { part, sent, waves } = own();
  part.lead(4);
  part.take({ type: "Waved", player: 5, kind: WAVE.ring });
  expect(sent).toEqual([{ type: "Wave", player: 4, kind: WAVE.lead }]);
  expect(waves).toEqual([[5, WAVE.ring]]);
});
