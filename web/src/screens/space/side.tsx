/** Side: the panel that is open at the side. */

import type { Call } from "../../media/call";
import type { Space } from "../../net/space";
import { Hearers } from "../../ui/call";
import { ChatPanel } from "../../ui/chat";
import { PeoplePanel } from "../../ui/people";
import { LinkPanel } from "../../ui/zones";
import type { Zone } from "../../world/map";
import type { Panels } from "./panels";
import type { Unread } from "./unread";

interface SideProps {
  space: Space;
  call: Call;
  panels: Panels;
  unread: Unread;
  /** The field for messages. */
  say: { current: HTMLTextAreaElement | null };
  /** The zone with a page that the person stands in. */
  link: { index: number; zone: Zone } | undefined;
}

export function Side({ space, call, panels, unread, say, link }: SideProps) {
  const close = () => panels.show(null);
  const open = panels.open.value;
  if (open === null) return null;
  return (
    <div class="side">
      {open === "chat" && (
        <ChatPanel
          space={space}
          input={say}
          tab={panels.tab.value}
          unread={unread.counts}
          readUpTo={unread.readUpTo.value}
          onTab={(tab) => panels.choose(tab)}
          onClose={close}
        />
      )}
      {open === "people" && (
        <PeoplePanel space={space} onClose={close} onPick={(player) => panels.pick(player)} />
      )}
      {open === "hearers" && <Hearers space={space} call={call} onClose={close} />}
      {open === "page" && link && (
        <LinkPanel key={link.index} zone={link.zone} onClose={() => panels.closePage()} />
      )}
    </div>
  );
}
