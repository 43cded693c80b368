/** Announcement: what was said to everyone, over the world. */

import { useEffect } from "preact/hooks";
import type { Space } from "../net/space";
import { IconButton } from "./controls";
import { useNames } from "./names";
import { Rich } from "./rich";

/** Milliseconds that it is shown. */
const SHOWN = 60_000;

/** The last announcement, over everything, until it is closed. */
export function Announcement({ space }: { space: Space }) {
  const message = space.conversation.announcement.value;
  const { names } = useNames(space);
  useEffect(() => {
    const timer = setTimeout(() => {
      space.conversation.announcement.value = null;
    }, SHOWN);
    return () => clearTimeout(timer);
  }, [message?.id]);
  if (!message) return null;
  return (
    <div class="announcement" role="status">
      <div>
        <strong>{message.name} announces</strong>
        <div class="text" dir="auto">
          <Rich text={message.text} names={names} />
        </div>
      </div>
      <IconButton
        icon="close"
        label="Put the announcement away"
        class="quiet small"
        onClick={() => {
          space.conversation.announcement.value = null;
        }}
      />
    </div>
  );
}
