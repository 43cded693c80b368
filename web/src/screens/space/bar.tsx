/** Bar: the name of the space and the buttons along the top. */

import type { Space } from "../../net/space";
import type { Stage } from "../../render/stage";
import { IconButton } from "../../ui/controls";
import { KeepName } from "../../ui/keep-name";
import { go } from "../../ui/route";
import { isSoundOn, toggleSound } from "../../ui/sound";
import { StatusMenu } from "../../ui/status";
import type { Panels } from "./panels";
import type { Unread } from "./unread";

/** How much closer one press brings the world. */
const ZOOM = 1.25;

interface BarProps {
  space: Space;
  panels: Panels;
  unread: Unread;
  stage: { current: Stage | null };
}

export function Bar({ space, panels, unread, stage }: BarProps) {
  return (
    <div class="bar">
      <div class="pill">
        <IconButton icon="back" label="Leave" onClick={() => go("/")} />
        <span class="title">{space.name.value}</span>
        <StatusMenu space={space} />
        <KeepName class="quiet hide-narrow" />
      </div>
      <div class="pill">
        <PanelButtons space={space} panels={panels} unread={unread} />
        <IconButton
          icon="sliders"
          label="Space settings"
          onClick={() => {
            panels.isSetting.value = true;
          }}
        />
        <IconButton
          icon={isSoundOn.value ? "soundOn" : "soundOff"}
          label="Sound"
          pressed={isSoundOn.value}
          onClick={toggleSound}
        />
        <IconButton
          icon="minus"
          label="Zoom out"
          class="hide-narrow"
          onClick={() => stage.current?.zoomBy(1 / ZOOM)}
        />
        <IconButton
          icon="plus"
          label="Zoom in"
          class="hide-narrow"
          onClick={() => stage.current?.zoomBy(ZOOM)}
        />
      </div>
    </div>
  );
}

function PanelButtons({ space, panels, unread }: Omit<BarProps, "stage">) {
  const here = space.people.all.value.length;
  const counts = unread.counts;
  const count = counts.space + counts.nearby + counts.direct;
  return (
    <>
      <IconButton
        icon="people"
        label={`People, ${here} here`}
        expanded={panels.open.value === "people"}
        onClick={() => panels.toggle("people")}
      >
        <span class="badge" aria-hidden="true">
          {here}
        </span>
      </IconButton>
      <IconButton
        icon="chat"
        label={count > 0 ? `Chat, ${count} unread` : "Chat"}
        expanded={panels.open.value === "chat"}
        onClick={() => panels.toggle("chat")}
      >
        {count > 0 && (
          <span class="badge" aria-hidden="true">
            {count}
          </span>
        )}
      </IconButton>
    </>
  );
}
