/** Free: what lies over the part of the world that no panel covers. */

import type { Call } from "../../media/call";
import type { Space } from "../../net/space";
import { Announcement } from "../../ui/announcement";
import { ConnectionLost, Moving, Notice } from "../../ui/banners";
import { CallBar, CallNotes } from "../../ui/call";
import { EmoteBar } from "../../ui/emotes";
import { Hints } from "../../ui/hints";
import { type DrawMap, Minimap } from "../../ui/minimap";
import { Muted } from "../../ui/muted";
import { NearPeople } from "../../ui/near";
import { Crowded, isNetworkShown, Network } from "../../ui/network";
import { PersonCard } from "../../ui/person";
import { Tiles } from "../../ui/tiles";
import { Entered, Zones } from "../../ui/zones";
import type { Panels } from "./panels";

interface FreeProps {
  space: Space;
  call: Call;
  panels: Panels;
  /** Whether the person sees the space. */
  isIn: boolean;
  drawMap: DrawMap | undefined;
  /** Opens the direct messages with a user. */
  onWrite: (to: { user: string; name: string }) => void;
}

export function Free({ space, call, panels, isIn, drawMap, onWrite }: FreeProps) {
  const person = space.people.all.value.find(({ player }) => player === panels.picked.value);
  return (
    <div class={`free ${person ? "with-card" : ""}`}>
      <div class="place">
        <Crowded space={space} />
        {isNetworkShown.value && <Network space={space} />}
        <Zones space={space} />
      </div>
      <div class="notices">
        <ConnectionLost space={space} isIn={isIn} />
        <CallNotes call={call} />
        <Announcement space={space} />
        <Muted space={space} call={call} />
        <Notice space={space} />
        {isIn && <Moving space={space} />}
        {isIn && <Hints space={space} call={call} />}
        <Tiles call={call} />
        {isIn && <NearPeople space={space} call={call} onPick={(player) => panels.pick(player)} />}
      </div>
      <div class="foot">
        <Minimap space={space} drawMap={drawMap} />
        <div class="deck">
          {person ? (
            <PersonCard
              space={space}
              call={call}
              person={person}
              onMessage={() => onWrite(person)}
              onClose={() => {
                panels.picked.value = null;
              }}
            />
          ) : (
            <Entered space={space} />
          )}
          <CallBar
            space={space}
            call={call}
            isListOpen={panels.open.value === "hearers"}
            onList={() => panels.toggle("hearers")}
          />
          <EmoteBar onEmote={(kind) => space.emote(kind)} />
        </div>
      </div>
    </div>
  );
}
