/** Bar: the name of the space and the buttons along the top. */

import { useEffect, useState } from "preact/hooks";
import { reportsApi } from "../../net/reports-api";
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
  const reports = useOpenReports(space);
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
          label={reports > 0 ? `Space settings, ${reports} open reports` : "Space settings"}
          onClick={() => {
            panels.isSetting.value = true;
          }}
        >
          {reports > 0 && (
            <span class="badge" aria-hidden="true">
              {reports}
            </span>
          )}
        </IconButton>
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

/** Open reports that the person may answer: counted on arrival, with each new one, and after. */
function useOpenReports(space: Space): number {
  const { access } = space;
  const [open, setOpen] = useState(0);
  const mayAnswer = access.may("moderate");
  useEffect(() => {
    let isCurrent = true;
    const count = async () => {
      const page = mayAnswer && (await reportsApi.list(space.id, "open", "").catch(() => false));
      if (isCurrent && typeof page === "object") setOpen(page.open);
    };
    void count();
    return () => {
      isCurrent = false;
    };
  }, [space, mayAnswer, access.reports.value]);
  return mayAnswer ? open : 0;
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
