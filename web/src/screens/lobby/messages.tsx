/** Messages: direct messages in the lobby: how many are unread, and a dialog to read and answer. */

import { signal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Direct } from "../../net/direct";
import { Dialog, IconButton } from "../../ui/controls";
import { type DirectPlace, DirectTab } from "../../ui/direct";
import { me } from "../../ui/me";

/** Milliseconds between two looks for new messages: no connection of a space pushes them here. */
const LOOK_EVERY = 20_000;

export function Messages() {
  const [isOpen, setOpen] = useState(false);
  const input = useRef<HTMLTextAreaElement>(null);
  const direct = useMemo(() => new Direct(() => me.value?.userId ?? ""), []);
  const place: DirectPlace = useMemo(
    () => ({ direct, people: { all: signal([]), me: 0 } }),
    [direct],
  );
  useEffect(() => {
    const look = () => {
      if (!document.hidden) void direct.refresh();
    };
    look();
    const timer = setInterval(look, LOOK_EVERY);
    return () => clearInterval(timer);
  }, [direct]);
  direct.isSeen = () => isOpen && !document.hidden;
  const { unread } = direct;
  return (
    <>
      <IconButton
        icon="chat"
        label={unread > 0 ? `Messages, ${unread} unread` : "Messages"}
        class="quiet"
        onClick={() => setOpen(true)}
      >
        {unread > 0 && (
          <span class="badge" aria-hidden="true">
            {unread}
          </span>
        )}
      </IconButton>
      {isOpen && (
        <Dialog title="Messages" class="messages-dialog" onClose={() => setOpen(false)}>
          <section class="panel chat" aria-label="Direct messages">
            <header>
              <h2>Messages</h2>
              <IconButton
                icon="close"
                label="Close messages"
                class="quiet small"
                onClick={() => setOpen(false)}
              />
            </header>
            <DirectTab space={place} input={input} />
          </section>
        </Dialog>
      )}
    </>
  );
}
