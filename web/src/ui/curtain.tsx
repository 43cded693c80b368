/** Curtain: what covers a space before it is there, and after its connection ended for good. */

import { useEffect, useRef } from "preact/hooks";
import { here, ours } from "../net/base";
import type { Status } from "../net/connection";
import type { Space } from "../net/space";
import { Face } from "./controls";
import { me } from "./me";

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

/** The connection ended for good: says why, and what can be done. */
export function ConnectionEnded({ status, onRetry }: { status: Status; onRetry: () => void }) {
  const card = useRef<HTMLDivElement>(null);
  const hasEnded = status.kind === "ended";
  useEffect(() => {
    if (hasEnded) card.current?.querySelector<HTMLElement>("button, a")?.focus();
  }, [hasEnded]);
  if (status.kind !== "ended") return null;
  const { title, advice, action } = status.ending;
  return (
    <div ref={card} class="curtain glass" role="alertdialog" aria-label={title}>
      <div class="card" style={{ textAlign: "center" }}>
        <h2>{title}</h2>
        <p>{advice}</p>
        {action === "rejoin" && (
          <button type="button" class="button primary" onClick={onRetry}>
            Come back
          </button>
        )}
        {action === "reload" && (
          <button type="button" class="button primary" onClick={() => location.reload()}>
            Load again
          </button>
        )}
        {action === "sign-in" && (
          <a
            class="button primary"
            href={here(`/signin?next=${encodeURIComponent(ours(location.pathname) ?? "/")}`)}
          >
            Sign in
          </a>
        )}
        <a class="button" href={here("/")}>
          To the lobby
        </a>
      </div>
    </div>
  );
}
