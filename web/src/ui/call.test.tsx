import "../fake-browser";
import { signal } from "@preact/signals";
import { render } from "preact-render-to-string";
import { expect, test, vi } from "vitest";
import type { Call } from "../media/call";
import { WHY } from "../media/gain";
import type { Card, Peer } from "../net/codec.gen";
import type { Space } from "../net/space";
import { CallBar, Hearers } from "./call";

const peer = (player: number, more: Partial<Peer>) =>
  [player, { player, hear: true, heard: true, gain: 255, why: WHY.distance, ...more }] as const;

function given(
  peers: ReturnType<typeof peer>[],
  isOn = false,
  muted = "",
  may: string[] | null = null,
) {
  const space = {
    people: {
      me: 1,
      all: signal([2, 3].map((player) => ({ player, name: `P${player}`, media: 1 }) as Card)),
    },
    calls: { peers: signal(new Map(peers)) },
    bubbles: { mine: undefined },
    access: {
      mutedUntil: (what: string) => (what === muted ? null : undefined),
      view: signal(may),
      may: (what: string) => may?.includes(what) ?? false,
    },
  } as unknown as Space;
  const call = {
    isOn: { microphone: signal(isOn), camera: signal(false), screen: signal(false) },
    speaking: signal(new Set()),
    personalVolume: () => 1,
  } as unknown as Call;
  return { space, call };
}
const bar = (peers: ReturnType<typeof peer>[], isOn = false, muted = "") =>
  render(<CallBar {...given(peers, isOn, muted)} isListOpen={false} onList={() => {}} />);

test("switches say what is on, and which key switches it", () => {
  expect(bar([])).toMatch(/aria-label="Microphone off \(M\)"[^>]*aria-pressed="false"/);
  expect(bar([], true)).toMatch(/aria-label="Microphone on \(M\)"[^>]*aria-pressed="true"/);
  expect(bar([])).toContain("Camera off (V)");
});

test("a switch that a moderator took says so", () => {
  expect(bar([], false, "voice")).toContain("Microphone muted by a moderator (M)");
  expect(bar([], false, "voice")).toContain("Camera off (V)");
});

test("a screen that a role may not share says so", () => {
  vi.stubGlobal("navigator", { mediaDevices: { getDisplayMedia: () => {} } });
  const screen = (may: string[] | null) =>
    render(<CallBar {...given([], false, "", may)} isListOpen={false} onList={() => {}} />);
  expect(screen(["say"])).toContain("Sharing a screen: not for your role");
  expect(screen(["say", "share"])).toContain("Share a screen");
  // Not known yet: the server decides.
  expect(screen(null)).toContain("Share a screen");
  vi.unstubAllGlobals();
});

test("who can hear is counted, not who is only heard", () => {
  expect(bar([])).toContain("Who can hear me: nobody");
  expect(bar([peer(2, {}), peer(3, { heard: false })])).toContain("Who can hear me: 1");
});

test("the list says why each one hears", () => {
  const peers = [peer(2, { why: WHY.stage }), peer(3, { heard: false })];
  const html = render(<Hearers {...given(peers)} onClose={() => {}} />);
  expect(html).toContain("from the stage");
  expect(html).toContain("you hear them, they do not hear you");
});
