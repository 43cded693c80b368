import { expect, test } from "vitest";
import type { Zone } from "../world/map";
import { STATUS } from "../world/statuses";
import { Calls } from "./calls";
import type { CallC2s, Peer } from "./codec.gen";

function calls() {
  const sent: CallC2s[] = [];
  const state = { zones: [] as Zone[] | undefined, usual: 5 as number | undefined, status: 0 };
  const part = new Calls({
    send: (message) => sent.push(message),
    speaker: (player) => (player === 2 ? { x: 4, y: 4, status: state.status } : undefined),
    me: () => ({ x: 1, y: 1, status: STATUS.available }),
    zones: () => state.zones,
    usualReach: () => state.usual,
  });
  return { part, sent, state };
}
const peer = (player: number, gain: number) => ({ player, gain }) as Peer;

test("peers change one by one, unless all of them are listed", () => {
  const { part } = calls();
  const gains = () => [...part.peers.value].map(([player, { gain }]) => [player, gain]);
  part.hear({ full: true, peers: [peer(1, 9), peer(2, 9)], gone: [] });
  part.hear({ full: false, peers: [peer(2, 5), peer(3, 5)], gone: [1] });
  expect(gains()).toEqual([
    [2, 5],
    [3, 5],
  ]);
  part.hear({ full: true, peers: [peer(4, 1)], gone: [] });
  expect(gains()).toEqual([[4, 1]]);
});

test("voices carry as far as the space says, and less far to a quiet player", () => {
  const { part, state } = calls();
  expect([part.reachTo(2), part.reachTo(7)]).toEqual([5, 5]);
  state.status = STATUS.quiet;
  expect(part.reachTo(2)).toBe(1);
  state.zones = undefined;
  expect(part.reachTo(2), "before the map is known").toBe(5);
  state.usual = undefined;
  expect(part.reachTo(2)).toBeUndefined();
});

test("signals go to the call, and to the server", () => {
  const { part, sent } = calls();
  const told: string[] = [];
  part.onSignal = (player, body) => told.push(`${player} ${body}`);
  part.onSfu = (body) => told.push(body);
  part.take({ type: "Signal", player: 3, body: "offer" });
  part.take({ type: "Sfu", body: "answer" });
  part.signal(3, "candidate");
  expect(told).toEqual(["3 offer", "answer"]);
  expect(sent).toEqual([{ type: "Signal", player: 3, body: "candidate" }]);
});
