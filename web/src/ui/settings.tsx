/**
 * Settings: the settings of a space, as far as the person may see them. `ui/settings` has its
 * parts.
 */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { AccessView } from "../net/access-api";
import type { Space } from "../net/space";
import type { Permission } from "../world/permissions";
import { Dialog, IconButton } from "./controls";
import { rove } from "./focus";
import { AccessTab } from "./settings/access";
import { ChatTab } from "./settings/chat";
import { General } from "./settings/general";
import { InvitesTab } from "./settings/invites";
import { LogTab } from "./settings/log";
import { ModerationTab } from "./settings/moderation";
import { PeopleTab } from "./settings/people";

interface Tab {
  name: string;
  /** What a person must be allowed to see it. */
  needs?: Permission;
  draw: (space: Space, onClose: () => void) => JSX.Element | null;
}

/** What the server says of the space, once it has. */
const viewed = ({ access }: Space, draw: (view: AccessView) => JSX.Element) =>
  access.view.value && draw(access.view.value);

const TABS: readonly Tab[] = [
  {
    name: "General",
    needs: "describe",
    draw: (space) => viewed(space, (view) => <General access={space.access} view={view} />),
  },
  {
    name: "Access",
    needs: "manage-access",
    draw: (space) => viewed(space, (view) => <AccessTab access={space.access} view={view} />),
  },
  {
    name: "People",
    needs: "assign-roles",
    draw: ({ id, access }) => <PeopleTab id={id} access={access} />,
  },
  {
    name: "Invites",
    needs: "invite",
    draw: ({ id, access }) => <InvitesTab id={id} access={access} />,
  },
  {
    name: "Moderation",
    needs: "moderate",
    draw: ({ id, access }) => <ModerationTab id={id} access={access} />,
  },
  {
    name: "Log",
    needs: "moderate",
    draw: ({ id }) => <LogTab id={id} />,
  },
  {
    name: "Chat",
    draw: (space, onClose) => <ChatTab space={space} onClose={onClose} />,
  },
];

export function SpaceSettings({ space, onClose }: { space: Space; onClose: () => void }) {
  const { access } = space;
  const [chosen, setChosen] = useState<string | null>(null);
  // Forms begin with what holds now.
  const [isFresh, setFresh] = useState(false);
  useEffect(() => void access.refresh().then(() => setFresh(true)), []);
  const tabs = TABS.filter(({ needs }) => !needs || access.may(needs));
  const tab = tabs.find(({ name }) => name === chosen) ?? tabs[0];
  return (
    <Dialog title="Space settings" class="settings" onClose={onClose}>
      <div class="row spread">
        <h2>Space settings</h2>
        <IconButton icon="close" label="Close the settings" class="quiet" onClick={onClose} />
      </div>
      {tabs.length > 1 && (
        <div
          class="tabs"
          role="tablist"
          aria-label="Space settings"
          onKeyDown={(event) => rove(event, "[role=tab]")}
        >
          {tabs.map(({ name }) => (
            <button
              key={name}
              type="button"
              role="tab"
              aria-selected={name === tab?.name}
              tabIndex={name === tab?.name ? 0 : -1}
              // Arrow keys move the focus, and the tab follows.
              onFocus={() => setChosen(name)}
              onClick={() => setChosen(name)}
            >
              {name}
            </button>
          ))}
        </div>
      )}
      {tab && isFresh && (
        <section key={tab.name} class="settings-part" aria-label={tab.name}>
          {tab.draw(space, onClose)}
        </section>
      )}
    </Dialog>
  );
}
