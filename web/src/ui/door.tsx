/**
 * Door: why the private zone before this player is closed, with a way to knock; and a way out for a
 * player who is walled in.
 */

import { useEffect, useState } from "preact/hooks";
import type { Space } from "../net/space";
import type { Door } from "../world/doors";
import { useShortcuts } from "./keyboard";
import { SHORTCUTS, withKey } from "./keys";

const LOOK_EVERY = 200;

/** Says why a private zone is closed while this person stands before it, and lets them knock. */
export function ClosedDoor({ space }: { space: Space }) {
  const door = useLook(
    () => space.zones.doorHere(),
    (one, other) => one?.zone === other?.zone && one?.why === other?.why,
  );
  if (!door) return null;
  return <DoorSign door={door} onKnock={() => space.zones.knock(door.zone)} />;
}

function DoorSign({ door, onKnock }: { door: Door; onKnock: () => void }) {
  return (
    <div class="knock" role="status">
      <span>{door.why}</span>
      <button type="button" class="button small" onClick={onKnock}>
        Knock at {door.name}
      </button>
    </div>
  );
}

/**
 * Sends the player to where people arrive, by key or button. The button is there while no way leads
 * out.
 */
export function WayHome({ space }: { space: Space }) {
  const isWalledIn = useLook(
    () => space.zones.isWalledIn(),
    (one, other) => one === other,
  );
  useShortcuts([SHORTCUTS.home, () => space.walking.home()]);
  if (!isWalledIn) return null;
  return (
    <div class="knock" role="status">
      <span>No way leads out of here.</span>
      <button type="button" class="button primary small" onClick={() => space.walking.home()}>
        {withKey("Go to the entrance", SHORTCUTS.home)}
      </button>
    </div>
  );
}

/**
 * A value that is read a few times a second where the player stands, so that walking alone does not
 * redraw.
 */
function useLook<Found>(look: () => Found, isSame: (one: Found, other: Found) => boolean): Found {
  const [found, setFound] = useState(look);
  useEffect(() => {
    const timer = setInterval(() => {
      const now = look();
      setFound((before) => (isSame(before, now) ? before : now));
    }, LOOK_EVERY);
    return () => clearInterval(timer);
  }, []);
  return found;
}
