/** Banners: short news over the world: notices, and how the connection is. */

import { useEffect } from "preact/hooks";
import type { Space } from "../net/space";
import { Spinner } from "./controls";
import { withLocalTimes } from "./times";

const NOTICE_MILLIS = 4000;

/** What the person is told, for a moment. */
export function Notice({ space }: { space: Space }) {
  const notice = space.notice.value;
  useEffect(() => {
    if (notice === null) return;
    const timer = setTimeout(() => {
      space.notice.value = null;
    }, NOTICE_MILLIS);
    return () => clearTimeout(timer);
  }, [notice]);
  return notice === null ? null : (
    <div class="banner" role="status">
      {withLocalTimes(notice)}
    </div>
  );
}

/** The space is moving to another process. */
export function Moving({ space }: { space: Space }) {
  return space.isMoving.value ? (
    <div class="banner quiet" role="status">
      One moment, the space is moving…
    </div>
  ) : null;
}

/** The connection is being made again. */
export function ConnectionLost({ space, isIn }: { space: Space; isIn: boolean }) {
  const { kind } = space.status.value;
  if (!isIn || kind === "open" || kind === "ended") return null;
  return (
    <div class="banner" role="status">
      <Spinner label="Connection lost. Coming back…" />
      <button type="button" class="button small" onClick={() => space.retry()}>
        Try now
      </button>
    </div>
  );
}
