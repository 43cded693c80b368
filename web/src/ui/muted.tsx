/** Muted: tells a person what a moderator took from them, and until when. */

import { useEffect, useState } from "preact/hooks";
import type { Call, Switch } from "../media/call";
import type { Access } from "../net/access";
import type { Space } from "../net/space";
import { MUTED, type Muted as MutedWhat, mutedIn } from "../world/moderation";
import { IconButton } from "./controls";
import { untilTime } from "./times";

const SWITCHES: Record<Switch, MutedWhat> = {
  microphone: "voice",
  camera: "video",
  screen: "video",
};

/** Why a switch does nothing now; `undefined` when it works. */
export function whyNot(access: Access, which: Switch): string | undefined {
  const mayShare = access.view.value === null || access.may("share");
  if (which === "screen" && !mayShare) return "Your role in this space may not share a screen.";
  return whyMuted(access, which);
}

/** That a moderator muted a switch; `undefined` when none did. */
export function whyMuted(access: Access, which: Switch): string | undefined {
  const what = SWITCHES[which];
  const until = access.mutedUntil(what);
  return until === undefined
    ? undefined
    : `A moderator muted you ${mutedIn([what])} ${untilOf(until)}.`;
}

/** What the person is muted in, in a sentence; `undefined` when in nothing. */
export function muteSentence(access: Access): string | undefined {
  const held = MUTED.map(({ what }) => what).filter(
    (what) => access.mutedUntil(what) !== undefined,
  );
  const [first] = held;
  if (first === undefined) return undefined;
  const until = access.mutedUntil(first) ?? null;
  return `A moderator muted you ${mutedIn(held)} ${untilOf(until)}.`;
}

const untilOf = (until: number | null) =>
  until === null ? "until it is lifted" : untilTime(until);

export function Muted({ space, call }: { space: Space; call: Call }) {
  const sentence = muteSentence(space.access);
  const mayShare = whyNot(space.access, "screen") === undefined;
  const [closed, setClosed] = useState<string>();
  useEffect(() => {
    for (const which of ["microphone", "camera", "screen"] as const)
      if (call.isOn[which].value && whyNot(space.access, which)) void call.toggle(which);
  }, [sentence, mayShare]);
  if (!sentence || sentence === closed) return null;
  const appeal = space.access.view.value?.appeal ?? "";
  return (
    <div class="banner" role="alert">
      <span>
        {sentence}
        {appeal !== "" && (
          <details>
            <summary>What you can do about it</summary>
            <span class="as-written" dir="auto">
              {appeal}
            </span>
          </details>
        )}
      </span>
      <IconButton
        icon="close"
        label="Put this away"
        class="quiet small"
        onClick={() => setClosed(sentence)}
      />
    </div>
  );
}
