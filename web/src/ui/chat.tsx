/** Chat: the panel with the chat of the space, the chat nearby, and direct messages. */

import { useState } from "preact/hooks";
import type { Space } from "../net/space";
import { IconButton } from "./controls";
import { DirectTab } from "./direct";
import { rove } from "./focus";
import { useLayer } from "./layers";
import { MessagesTab } from "./messages";
import { Search } from "./search";

/** Which part of the chat is shown. */
export type Tab = "space" | "nearby" | "direct";

interface ChatPanelProps {
  space: Space;
  input: { current: HTMLTextAreaElement | null };
  tab: Tab;
  unread: Record<Tab, number>;
  /** Id of the newest message when the person looked away. */
  readUpTo: string | null;
  onTab: (tab: Tab) => void;
  onClose: () => void;
}

export function ChatPanel({ space, input, tab, unread, readUpTo, onTab, onClose }: ChatPanelProps) {
  const [isSearching, setSearching] = useState(false);
  useLayer(onClose);
  return (
    <section class="panel chat" aria-label="Chat">
      <header>
        <Tabs tab={tab} unread={unread} onTab={onTab} />
        {space.conversation.rules.value?.kept && tab !== "direct" && (
          <IconButton
            icon="search"
            label="Search what was said"
            class="quiet small"
            pressed={isSearching}
            onClick={() => setSearching(!isSearching)}
          />
        )}
        <IconButton icon="close" label="Close chat" class="quiet small" onClick={onClose} />
      </header>
      {tab === "direct" ? (
        <DirectTab space={space} input={input} />
      ) : isSearching ? (
        <Search space={space} onClose={() => setSearching(false)} />
      ) : (
        <MessagesTab
          key={tab}
          space={space}
          input={input}
          isNearby={tab === "nearby"}
          readUpTo={readUpTo}
        />
      )}
    </section>
  );
}

const TABS = [
  ["space", "Space"],
  ["nearby", "Nearby"],
  ["direct", "Direct"],
] as const;

function Tabs({ tab, unread, onTab }: Pick<ChatPanelProps, "tab" | "unread" | "onTab">) {
  return (
    <div
      class="tabs"
      role="tablist"
      aria-label="Chat"
      onKeyDown={(event) => rove(event, "[role=tab]")}
    >
      {TABS.map(([which, name]) => (
        <TabButton
          key={which}
          name={name}
          isOn={tab === which}
          count={unread[which]}
          onClick={() => onTab(which)}
        />
      ))}
    </div>
  );
}

function TabButton({
  name,
  isOn,
  count,
  onClick,
}: {
  name: string;
  isOn: boolean;
  count: number;
  onClick: () => void;
}) {
  return (
    <button
      type="button"
      role="tab"
      aria-selected={isOn}
      tabIndex={isOn ? 0 : -1}
      // Arrow keys move the focus, and the tab follows.
      onFocus={() => isOn || onClick()}
      onClick={onClick}
    >
      {name}
      {count > 0 && <span class="visually-hidden">{count} unread</span>}
      {count > 0 && (
        <span class="count" aria-hidden="true">
          {count}
        </span>
      )}
    </button>
  );
}
