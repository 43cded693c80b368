/** Curtain: what covers a space before it is there, and after its connection ended for good. */

import { useEffect, useRef } from "preact/hooks";
import { here, ours } from "../net/base";
import type { Status } from "../net/connection";
import type { Ending } from "../net/policy";
import type { Space } from "../net/space";
import { Face } from "./controls";
import { AskToJoin, ComeBack, GivePassword, WaitForRoom } from "./entrance";
import { me } from "./me";
import { withLocalTimes } from "./times";

interface CurtainProps {
  space: Space;
  /** The part of the pictures that is loaded, 0 to 1. */
  loaded: number;
  /** Why the space cannot be drawn. */
  failure: string | null;
}

/** The person comes in, or cannot. */
export function Curtain({ space, loaded, failure }: CurtainProps) {
  const problem = failure ?? space.map.failure.value;
  return (
    <div class="curtain">
      <div class="section" style={{ justifyItems: "center", textAlign: "center" }}>
        {problem ? <CannotShow problem={problem} /> : <WalkingIn space={space} loaded={loaded} />}
      </div>
    </div>
  );
}

function CannotShow({ problem }: { problem: string }) {
  return (
    <>
      <h2>This space cannot be shown</h2>
      <p>{problem}</p>
      <button type="button" class="button primary" onClick={() => location.reload()}>
        Load the page again
      </button>
    </>
  );
}

function WalkingIn({ space, loaded }: Omit<CurtainProps, "failure">) {
  const part = Math.min(loaded, 1);
  return (
    <>
      <Face imageUrl={me.value?.imageUrl ?? null} />
      <p>
        {space.status.value.kind === "waiting"
          ? "The server cannot be reached. Trying again…"
          : "Walking in…"}
      </p>
      <div
        class="progress"
        role="progressbar"
        aria-label="Loading"
        aria-valuenow={Math.round(part * 100)}
      >
        <div style={{ width: `${15 + part * 60 + (space.people.me ? 20 : 0)}%` }} />
      </div>
      <a class="button quiet" href={here("/")}>
        Back to the lobby
      </a>
    </>
  );
}

interface EndedProps {
  space: Space;
  onRetry: () => void;
}

/** The connection ended for good: says why, and what can be done. */
export function ConnectionEnded({ space, onRetry }: EndedProps) {
  const card = useRef<HTMLDivElement>(null);
  const ending = useEnding(space.status.value);
  const title = ending?.title;
  useEffect(() => {
    if (title) card.current?.querySelector<HTMLElement>("input, textarea, button, a")?.focus();
  }, [title]);
  if (!ending) return null;
  return (
    <div ref={card} class="curtain glass" role="alertdialog" aria-label={title}>
      <div class="card" style={{ textAlign: "center" }}>
        <h2>{title}</h2>
        <p class="as-written" dir="auto">
          {withLocalTimes(ending.advice)}
        </p>
        <WayOn space={space} ending={ending} onRetry={onRetry} />
        <a class="button" href={here("/")}>
          To the lobby
        </a>
      </div>
    </div>
  );
}

/** Why the connection ended. It stays on the screen while it is tried whether there is room. */
function useEnding(status: Status): Ending | null {
  const waiting = useRef<Ending | null>(null);
  if (status.kind === "ended")
    waiting.current = status.ending.action === "wait" ? status.ending : null;
  if (status.kind === "open") waiting.current = null;
  return status.kind === "ended" ? status.ending : waiting.current;
}

/** What can be done about it. */
function WayOn({ space, ending, onRetry }: EndedProps & { ending: Ending }) {
  switch (ending.action) {
    case "password":
      return <GivePassword id={space.id} onDone={onRetry} />;
    case "wait":
      return <WaitForRoom onRetry={onRetry} />;
    case "return":
      return <ComeBack id={space.id} onRetry={onRetry} />;
    case "rejoin":
      return (
        <button type="button" class="button primary" onClick={onRetry}>
          Come back
        </button>
      );
    case "reload":
      return (
        <button type="button" class="button primary" onClick={() => location.reload()}>
          Load again
        </button>
      );
    case "sign-in":
      return (
        <a
          class="button primary"
          href={here(`/signin?next=${encodeURIComponent(ours(location.pathname) ?? "/")}`)}
        >
          Sign in
        </a>
      );
    case "request":
      return <AskToJoin id={space.id} onDone={onRetry} />;
    case "lobby":
      return null;
    default:
      return ending.action satisfies never;
  }
}
