/**
 * Space: the world on a canvas, and what lies over it: chat, people, emotes, minimap, state of the
 * connection. `screens/space` has its parts.
 */

import { useEffect, useMemo, useRef } from "preact/hooks";
import { Call } from "../media/call";
import { Space } from "../net/space";
import type { Stage } from "../render/stage";
import type { Tab } from "../ui/chat";
import { ConnectionEnded, Curtain } from "../ui/curtain";
import { WORLD_HELP } from "../ui/keys";
import { entitle } from "../ui/notify";
import { go } from "../ui/route";
import { SpaceSettings } from "../ui/settings";
import { play } from "../ui/sound";
import { tellWave } from "../ui/status";
import { useLinkHere } from "../ui/zones";
import { visit } from "../world/lobby";
import { Bar } from "./space/bar";
import { Free } from "./space/free";
import { useKeys } from "./space/keys";
import { useNotifications } from "./space/notifications";
import { Panels } from "./space/panels";
import { pointers } from "./space/pointer";
import { Side } from "./space/side";
import { useCover, useStage } from "./space/stage";
import { Unread, useUnread } from "./space/unread";

/** Whether panels lie over the world's lower part or all of it, as in `style/layout.css`. */
const isSheet = () => matchMedia("(max-width: 43.9rem), (max-height: 30rem)").matches;

/** Milliseconds between two looks at what the person may do. Changes are told; times pass. */
const ACCESS_EVERY = 60_000;

interface Held<T> {
  current: T | null;
}

export function SpaceScreen({ id }: { id: string }) {
  const world = useRef<HTMLDivElement>(null);
  const overlay = useRef<HTMLDivElement>(null);
  const hud = useRef<HTMLDivElement>(null);
  const say = useRef<HTMLTextAreaElement>(null);
  const { space, call } = useSpace(id);
  const { panels, unread } = usePanels(space, world);
  const drawn = useStage(space, call, world, overlay);
  const { stage, loaded, failure } = drawn;
  const link = useLinkHere(space);
  const drawMap = useMemo(
    () => (loaded >= 2 ? async () => stage.current?.mapPicture() : undefined),
    [loaded >= 2],
  );
  useNotifications(space);
  useFreshAccess(space);
  useEffect(() => {
    if (space.name.value) entitle(`${space.name.value} – Plaza`);
    return () => entitle("Plaza");
  }, [space.name.value]);
  // The page of a link zone opens when the player enters the zone, and closes when they leave it.
  useEffect(() => {
    if (link) panels.openPage();
    else panels.closePage();
  }, [link?.index]);
  useCover(hud, drawn, panels.open.value);

  const write = () => requestAnimationFrame(() => say.current?.focus());
  const writeTo = ({ user, name }: { user: string; name: string }) => {
    panels.tab.value = "direct";
    panels.show("chat");
    panels.picked.value = null;
    void space.direct.open(user, name);
    write();
  };
  useInput(space, panels, stage, world, write);

  const { value: status } = space.status;
  const isIn = space.people.me !== 0 && space.map.version.value > 0 && loaded >= 2;
  const pointer = useMemo(() => tapping(space, panels, stage, world), [space]);
  return (
    <main class="space">
      <h1 class="visually-hidden">{space.name.value || "Space"}</h1>
      <div
        ref={world}
        class="world"
        role="application"
        aria-label={WORLD_HELP}
        tabIndex={0}
        {...pointer}
      />
      <div ref={overlay} class="overlay" aria-hidden="true" />
      <div ref={hud} class="hud" inert={status.kind === "ended" || !isIn}>
        <Bar space={space} panels={panels} unread={unread} stage={stage} />
        <Side space={space} call={call} panels={panels} unread={unread} say={say} link={link} />
        <Free
          space={space}
          call={call}
          panels={panels}
          isIn={isIn}
          drawMap={drawMap}
          onWrite={writeTo}
        />
      </div>
      {!isIn && status.kind !== "ended" && (
        <Curtain space={space} loaded={loaded} failure={failure} />
      )}
      {panels.isSetting.value && (
        <SpaceSettings
          space={space}
          onPerson={(player) => panels.pick(player)}
          onClose={() => {
            panels.isSetting.value = false;
          }}
        />
      )}
      <ConnectionEnded space={space} onRetry={() => space.retry()} />
    </main>
  );
}

/** The space and its call, for as long as the screen is there. */
function useSpace(id: string): { space: Space; call: Call } {
  const space = useMemo(
    () => new Space(id, new URLSearchParams(location.search).get("arrive")),
    [id],
  );
  const call = useMemo(() => new Call(space), [space]);
  useEffect(() => {
    visit(space.id, Date.now());
    space.onSound = play;
    space.onWave = (name, kind) => tellWave(space, name, kind);
    space.onPortal = (to, arrive) => go(`/s/${to}?arrive=${encodeURIComponent(arrive)}`);
    return () => {
      call.close();
      space.leave();
    };
  }, [space]);
  return { space, call };
}

/** Asks now and then what the person may do: mutes and lockdowns end by themselves. */
function useFreshAccess(space: Space): void {
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden && space.status.value.kind === "open") void space.access.refresh();
    }, ACCESS_EVERY);
    return () => clearInterval(timer);
  }, [space]);
}

/** The panels, and what was not seen of the chat until now. */
function usePanels(space: Space, world: Held<HTMLElement>): { panels: Panels; unread: Unread } {
  const both = useMemo(() => {
    const unread = new Unread(space, (tab: Tab) => panels.shows(tab) && !document.hidden);
    const panels: Panels = new Panels(innerWidth > 900 ? "chat" : null, {
      isSheet,
      saw: (tab) => unread.see(tab),
      leftChat: () => unread.markRead(),
      // The focused element may have gone with the panel.
      closed: () =>
        requestAnimationFrame(
          () => document.activeElement === document.body && world.current?.focus(),
        ),
    });
    space.direct.isSeen = () => panels.shows("direct") && !document.hidden;
    return { panels, unread };
  }, [space]);
  const { panels } = both;
  useUnread(both.unread, () => (panels.open.value === "chat" ? panels.tab.value : null));
  return both;
}

/** The keyboard. */
function useInput(
  space: Space,
  panels: Panels,
  stage: Held<Stage>,
  world: Held<HTMLElement>,
  write: () => void,
): void {
  const port = useMemo(
    () => ({
      hold: (direction: number, run: boolean) => space.walking.hold(direction, run),
      emote: (kind: number) => space.emote(kind),
      zoomBy: (factor: number) => stage.current?.zoomBy(factor),
      openChat: () => {
        panels.show("chat");
        write();
      },
      focusWorld: () => world.current?.focus(),
      stopFollowing: () => space.following.stop(),
    }),
    [space],
  );
  useKeys(port);
}

/** Taps and clicks: on a player to see who they are, elsewhere to walk there. */
function tapping(space: Space, panels: Panels, stage: Held<Stage>, world: Held<HTMLElement>) {
  return pointers({
    zoomBy: (factor) => stage.current?.zoomBy(factor),
    tap: (x, y) => {
      if (!stage.current) return;
      const { left, top } = stage.current.canvas.getBoundingClientRect();
      const place = stage.current.pick(x - left, y - top);
      world.current?.focus();
      const isOther = place.player !== undefined && place.player !== space.people.me;
      panels.picked.value = isOther ? (place.player ?? null) : null;
      if (!isOther && place.x >= 0 && place.y >= 0) space.walking.to(place.x, place.y);
    },
  });
}
