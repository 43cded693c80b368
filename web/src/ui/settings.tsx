/**
 * Settings: the settings of a space, as far as the person may see them. `ui/settings` has its
 * parts.
 */

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { AccessView } from "../net/access-api";
import { reportsApi } from "../net/reports-api";
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
import { OwnReportsTab } from "./settings/own-reports";
import { PeopleTab } from "./settings/people";
import { type ReportsPort, ReportsTab } from "./settings/reports";
import { RulesTab } from "./settings/rules";

interface Tab {
  name: string;
  /** What a person must be allowed to see it. */
  needs?: Permission;
  draw: (space: Space, onClose: () => void, onPerson: OnPerson) => JSX.Element | null;
}

/** Opens the card of a player. */
type OnPerson = (player: number) => void;

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
    name: "Rules",
    needs: "manage-chat",
    draw: (space) => viewed(space, (view) => <RulesTab access={space.access} view={view} />),
  },
  {
    name: "Moderation",
    needs: "moderate",
    draw: ({ id, access }) => <ModerationTab id={id} access={access} />,
  },
  {
    name: "Reports",
    needs: "moderate",
    draw: (space, onClose, onPerson) => <ReportsTab port={reportsOf(space, onClose, onPerson)} />,
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
  {
    name: "Your reports",
    draw: () => <OwnReportsTab />,
  },
];

/** The reports of a space; a person who is here is acted on from their card. */
function reportsOf(space: Space, onClose: () => void, onPerson: OnPerson): ReportsPort {
  return {
    list: (state, before) => reportsApi.list(space.id, state, before),
    answer: async (report, answer) => {
      await reportsApi.answer(space.id, report.id, answer);
      // What is open is counted again.
      space.access.reports.value++;
    },
    actOn: ({ about }) => {
      const here = space.people.all.value.find(({ user }) => user === about.userId);
      if (!here || here.player === space.people.me) return;
      return () => {
        onClose();
        onPerson(here.player);
      };
    },
  };
}

interface SettingsProps {
  space: Space;
  onPerson: OnPerson;
  onClose: () => void;
}

export function SpaceSettings({ space, onPerson, onClose }: SettingsProps) {
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
        // The keyboard scrolls parts without fields, too.
        <section key={tab.name} class="settings-part" aria-label={tab.name} tabIndex={0}>
          {tab.draw(space, onClose, onPerson)}
        </section>
      )}
    </Dialog>
  );
}
