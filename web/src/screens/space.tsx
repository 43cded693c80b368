/**
 * Space: the world on a canvas, and what lies over it: chat, people, emotes, minimap, state of the
 * connection.
 */

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Call } from "../media/call";
import { here, ours } from "../net/base";
import type { Status } from "../net/connection";
import { Space } from "../net/space";
import type { Stage } from "../render/stage";
import { Announcement } from "../ui/announcement";
import { CallBar, CallNotes, Hearers } from "../ui/call";
import { ChatPanel, type Tab } from "../ui/chat";
import { Face, IconButton, Spinner } from "../ui/controls";
import { rove, useFocusInside } from "../ui/focus";
import { HeldKeys } from "../ui/keyboard";
import { WORLD_HELP } from "../ui/keys";
import { closeTopmost, useLayer } from "../ui/layers";
import { me } from "../ui/me";
import { Minimap } from "../ui/minimap";
import { Crowded, isNetworkShown, Network, toggleNetwork } from "../ui/network";
import { Newcomers } from "../ui/newcomers";
import { entitle, notify } from "../ui/notify";
import { Overlay } from "../ui/overlay";
import { PersonCard } from "../ui/person";
import { go } from "../ui/route";
import { isSoundOn, play, toggleSound } from "../ui/sound";
import { StatusMark, StatusMenu, tellWave } from "../ui/status";
import { Tiles } from "../ui/tiles";
import { Entered, LinkPanel, useLinkHere, Zones } from "../ui/zones";
import { EMOTES, emoteOf, keyOf } from "../world/emotes";
import { visit } from "../world/lobby";
import { mentions, plain } from "../world/markdown";
import { STATUS } from "../world/statuses";

const NOTICE_MILLIS = 4000;
/** The panel at the side: one at a time. */
type Panel = "chat" | "people" | "hearers" | "page";
/** Whether panels lie over the world's lower part or all of it, as in `style/layout.css`. */
const isSheet = () => matchMedia("(max-width: 43.9rem), (max-height: 30rem)").matches;

export function SpaceScreen({ id }: { id: string }) {
  const holder = useRef<HTMLDivElement>(null);
  const overlay = useRef<HTMLDivElement>(null);
  const stage = useRef<Stage | null>(null);
  const say = useRef<HTMLTextAreaElement>(null);
  const [loaded, setLoaded] = useState(0);
  const [failure, setFailure] = useState<string | null>(null);
  const [picked, setPicked] = useState<number | null>(null);
  const hud = useRef<HTMLDivElement>(null);
  const panel = useSignal<Panel | null>(innerWidth > 900 ? "chat" : null);
  /** The panel that was open before the page of a zone. */
  const under = useRef<Panel | null>(null);
  const tab = useSignal<Tab>("space");
  const unread = useSignal({ space: 0, nearby: 0 });
  const readUpTo = useSignal<string | null>(null);

  const space = useMemo(
    () => new Space(id, new URLSearchParams(location.search).get("arrive")),
    [id],
  );
  const call = useMemo(() => new Call(space), [space]);
  const link = useLinkHere(space);
  const keys = useMemo(
    () => new HeldKeys((direction, run) => space.walking.hold(direction, run)),
    [space],
  );

  useEffect(() => {
    let isClosed = false;
    visit(space.id, Date.now());
    space.onSound = play;
    space.onWave = (name, kind) => tellWave(space, name, kind);
    space.onPortal = (to, arrive) => go(`/s/${to}?arrive=${encodeURIComponent(arrive)}`);
    const open = async () => {
      const { Stage } = await import("../render/stage");
      if (isClosed || !holder.current || !overlay.current) return;
      const opened = await Stage.open(holder.current, space, setLoaded);
      if (isClosed) {
        opened.close();
        return;
      }
      stage.current = opened;
      const over = new Overlay(overlay.current, space.overhead, () => call.speaking.peek());
      opened.onDrawn = (now) => over.draw(now, (player) => opened.head(player));
      if (new URLSearchParams(location.search).has("debug")) {
        Reflect.set(window, "__plaza", () => figures(opened, space, call));
      }
      setLoaded(2);
    };
    open().catch((error: Error) => {
      console.error(error);
      setFailure(error.message);
    });
    return () => {
      isClosed = true;
      keys.release();
      stage.current?.close();
      stage.current = null;
      call.close();
      space.leave();
    };
  }, [space]);

  // Messages that come while the chat is hidden are counted.
  useEffect(() => {
    const isSeen = (which: Tab) =>
      panel.value === "chat" && tab.value === which && !document.hidden;
    let counted = space.conversation.heard.peek();
    const stop = space.conversation.heard.subscribe((heard) => {
      const { space: said, nearby } = unread.peek();
      unread.value = {
        space: isSeen("space") ? 0 : said + heard[0] - counted[0],
        nearby: isSeen("nearby") ? 0 : nearby + heard[1] - counted[1],
      };
      counted = heard;
    });
    // A person who comes back to the page has read what is in front of them; the place where they
    // left is marked.
    const onVisible = () => {
      if (document.hidden) markRead();
      else if (panel.value === "chat") seeTab();
    };
    document.addEventListener("visibilitychange", onVisible);
    return () => {
      stop();
      document.removeEventListener("visibilitychange", onVisible);
    };
  }, [space]);

  useEffect(() => {
    space.direct.isSeen = () =>
      panel.value === "chat" && tab.value === "direct" && !document.hidden;
    space.direct.onMessage = (message) => {
      if (space.people.mine?.status === STATUS.doNotDisturb) return;
      play("mention");
      notify(`${message.name} wrote to you`, plain(message.text));
    };
    space.onMessage = (message) => {
      const mine =
        space.people.all.value.find(({ player }) => player === space.people.me)?.name ?? "";
      if (!mentions(message.text, mine)) return;
      // A mention is louder than other messages and makes a notification, unless the person does
      // not want to be disturbed.
      if (space.people.mine?.status === STATUS.doNotDisturb) return;
      play("mention");
      notify(`${message.name} in ${space.name.value}`, plain(message.text));
    };
  }, [space]);

  // A newcomer nearby makes a notification while the page is hidden, unless the person does not
  // want to be disturbed.
  useEffect(() => {
    const newcomers = new Newcomers();
    return space.calls.peers.subscribe((peers) => {
      const near = [...peers.values()]
        .filter(({ hear, heard }) => hear && heard)
        .map(({ player }) => player);
      const news = newcomers.look(near, performance.now());
      const names = news.flatMap((player) => space.people.card(player)?.name ?? []);
      if (names.length === 0 || space.people.mine?.status === STATUS.doNotDisturb) return;
      notify(
        names.length === 1 ? `${names[0]} is near you` : `${names.length} people are near you`,
        names.join(", "),
      );
    });
  }, [space]);

  useEffect(() => {
    if (space.name.value) entitle(`${space.name.value} – Plaza`);
    return () => entitle("Plaza");
  }, [space.name.value]);

  const markRead = () => {
    readUpTo.value =
      space.conversation.messages.peek().findLast(({ isWaiting }) => !isWaiting)?.id ?? null;
  };

  const show = (which: Panel | null) => {
    if (panel.value === "chat" && which !== "chat") markRead();
    panel.value = which;
    if (which === "chat") seeTab();
    // Small screens show one sheet at a time.
    if (which !== null && isSheet()) setPicked(null);
    // The focused element may have gone with the panel.
    if (which === null)
      requestAnimationFrame(
        () => document.activeElement === document.body && holder.current?.focus(),
      );
  };

  // The page of a link zone opens when the player enters the zone, and closes when they leave it.
  useEffect(() => {
    if (link) {
      under.current = panel.peek() === "page" ? under.current : panel.peek();
      show("page");
    } else if (panel.peek() === "page") show(under.current);
  }, [link?.index]);
  const closePage = () => show(under.current);

  // The camera keeps the own player in the middle of what no panel covers.
  useEffect(() => {
    const measure = () => {
      const side = hud.current?.querySelector(".side")?.getBoundingClientRect();
      const isBelow =
        side !== undefined && side.width > innerWidth / 2 && side.top > innerHeight / 4;
      const right = side && !isBelow ? innerWidth - side.left : 0;
      const bottom = side && isBelow ? innerHeight - side.top : 0;
      // A panel that covers nearly everything leaves no part to centre in.
      stage.current?.cover(
        right < innerWidth * 0.7 ? right : 0,
        bottom < innerHeight * 0.75 ? bottom : 0,
      );
    };
    measure();
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, [panel.value, loaded]);

  /** Marks what is in front of the person as read. */
  const seeTab = () => {
    if (tab.value === "direct") space.direct.read();
    else unread.value = { ...unread.value, [tab.value]: 0 };
  };

  const writeTo = ({ user, name }: { user: string; name: string }) => {
    tab.value = "direct";
    show("chat");
    setPicked(null);
    void space.direct.open(user, name);
    requestAnimationFrame(() => say.current?.focus());
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const isTyping =
      event.target instanceof HTMLInputElement ||
      event.target instanceof HTMLTextAreaElement ||
      event.target instanceof HTMLSelectElement;
    if (event.key === "Escape") {
      // A dialog of the browser's own closes by itself.
      if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
      // Escape leaves the field, to walk on; the next Escape closes the panel.
      if (event.target instanceof HTMLTextAreaElement) holder.current?.focus();
      else if (!closeTopmost()) space.following.stop();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "F3") {
      // The browser would search the page.
      event.preventDefault();
      toggleNetwork();
      return;
    }
    if (isTyping) return;
    const isButton =
      event.target instanceof HTMLButtonElement || event.target instanceof HTMLAnchorElement;
    const kind = emoteOf(event.key);
    if (event.key === "Enter" && !isButton) {
      event.preventDefault();
      show("chat");
      requestAnimationFrame(() => say.current?.focus());
    } else if (kind !== undefined) space.emote(kind);
    else if (event.key === "+" || event.key === "=") stage.current?.zoomBy(1.2);
    else if (event.key === "-") stage.current?.zoomBy(1 / 1.2);
    // In a panel the arrow keys scroll.
    else if (
      event.target instanceof Element &&
      event.target.closest(".panel, .who-card, [role=tablist]")
    )
      return;
    else if (keys.down(event.code, event.shiftKey)) event.preventDefault();
  };

  useEffect(() => {
    const onKeyUp = (event: KeyboardEvent) => keys.up(event.code, event.shiftKey);
    const onBlur = () => keys.release();
    addEventListener("keydown", onKeyDown);
    addEventListener("keyup", onKeyUp);
    addEventListener("blur", onBlur);
    return () => {
      removeEventListener("keydown", onKeyDown);
      removeEventListener("keyup", onKeyUp);
      removeEventListener("blur", onBlur);
    };
  }, [keys]);

  const unreads = { ...unread.value, direct: space.direct.unread };
  const unreadCount = unreads.space + unreads.nearby + unreads.direct;
  const status = space.status.value;
  const isIn = space.people.me !== 0 && space.map.version.value > 0 && loaded >= 2;
  const person = space.people.all.value.find(({ player }) => player === picked);
  return (
    <main class="space">
      <h1 class="visually-hidden">{space.name.value || "Space"}</h1>
      <div
        ref={holder}
        class="world"
        role="application"
        aria-label={WORLD_HELP}
        tabIndex={0}
        {...pointers(stage, (place) => {
          holder.current?.focus();
          if (place.player !== undefined && place.player !== space.people.me)
            setPicked(place.player);
          else {
            setPicked(null);
            if (place.x >= 0 && place.y >= 0) space.walking.to(place.x, place.y);
          }
        })}
      />
      <div ref={overlay} class="overlay" aria-hidden="true" />
      <div ref={hud} class="hud" inert={status.kind === "ended" || !isIn}>
        <div class="bar">
          <div class="pill">
            <IconButton icon="back" label="Leave" onClick={() => go("/")} />
            <span class="title">{space.name.value}</span>
            <StatusMenu space={space} />
          </div>
          <div class="pill">
            <IconButton
              icon="people"
              label={`People, ${space.people.all.value.length} here`}
              expanded={panel.value === "people"}
              onClick={() => show(panel.value === "people" ? null : "people")}
            >
              <span class="badge" aria-hidden="true">
                {space.people.all.value.length}
              </span>
            </IconButton>
            <IconButton
              icon="chat"
              label={unreadCount > 0 ? `Chat, ${unreadCount} unread` : "Chat"}
              expanded={panel.value === "chat"}
              onClick={() => show(panel.value === "chat" ? null : "chat")}
            >
              {unreadCount > 0 && (
                <span class="badge" aria-hidden="true">
                  {unreadCount}
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
              onClick={() => stage.current?.zoomBy(1 / 1.25)}
            />
            <IconButton
              icon="plus"
              label="Zoom in"
              class="hide-narrow"
              onClick={() => stage.current?.zoomBy(1.25)}
            />
          </div>
        </div>
        {panel.value !== null && (
          <div class="side">
            {panel.value === "chat" && (
              <ChatPanel
                space={space}
                input={say}
                tab={tab.value}
                unread={unreads}
                readUpTo={readUpTo.value}
                onTab={(which) => {
                  tab.value = which;
                  seeTab();
                }}
                onClose={() => show(null)}
              />
            )}
            {panel.value === "people" && (
              <PeoplePanel
                space={space}
                onClose={() => show(null)}
                onPick={(player) => {
                  setPicked(player);
                  if (isSheet()) show(null);
                }}
              />
            )}
            {panel.value === "hearers" && (
              <Hearers space={space} call={call} onClose={() => show(null)} />
            )}
            {panel.value === "page" && link && (
              <LinkPanel key={link.index} zone={link.zone} onClose={closePage} />
            )}
          </div>
        )}
        <div class={`free ${person ? "with-card" : ""}`}>
          <div class="place">
            <Crowded space={space} />
            {isNetworkShown.value && <Network space={space} />}
            <Zones space={space} />
          </div>
          <div class="notices">
            <ConnectionLost status={status} isIn={isIn} onRetry={() => space.retry()} />
            <CallNotes call={call} />
            <Announcement space={space} />
            <Notice space={space} />
            {isIn && space.isMoving.value && (
              <div class="banner quiet" role="status">
                One moment, the space is moving…
              </div>
            )}
            <Tiles call={call} />
          </div>
          <div class="foot">
            <Minimap space={space} />
            <div class="deck">
              {person ? (
                <PersonCard
                  space={space}
                  call={call}
                  person={person}
                  onMessage={() => writeTo(person)}
                  onClose={() => setPicked(null)}
                />
              ) : (
                <Entered space={space} />
              )}
              <CallBar
                space={space}
                call={call}
                isListOpen={panel.value === "hearers"}
                onList={() => show(panel.value === "hearers" ? null : "hearers")}
              />
              <div class="pill emotes" role="group" aria-label="Emotes">
                {EMOTES.map(({ sign, name }, kind) => (
                  <button
                    key={sign}
                    type="button"
                    class="button"
                    aria-label={name}
                    title={`${name} (${keyOf(kind)})`}
                    onClick={() => space.emote(kind)}
                  >
                    {sign}
                  </button>
                ))}
              </div>
            </div>
          </div>
        </div>
      </div>
      <ConnectionEnded status={status} onRetry={() => space.retry()} />
      {!isIn && status.kind !== "ended" && (
        <div class="curtain">
          <div class="section" style={{ justifyItems: "center", textAlign: "center" }}>
            {failure || space.map.failure.value ? (
              <>
                <h2>This space cannot be shown</h2>
                <p>{failure ?? space.map.failure.value}</p>
                <button type="button" class="button primary" onClick={() => location.reload()}>
                  Load the page again
                </button>
              </>
            ) : (
              <>
                <Face imageUrl={me.value?.imageUrl ?? null} />
                <p>
                  {status.kind === "waiting"
                    ? "The server cannot be reached. Trying again…"
                    : "Walking in…"}
                </p>
                <div
                  class="progress"
                  role="progressbar"
                  aria-label="Loading"
                  aria-valuenow={Math.round(Math.min(loaded, 1) * 100)}
                >
                  <div
                    style={{
                      width: `${15 + Math.min(loaded, 1) * 60 + (space.people.me ? 20 : 0)}%`,
                    }}
                  />
                </div>
                <a class="button quiet" href={here("/")}>
                  Back to the lobby
                </a>
              </>
            )}
          </div>
        </div>
      )}
    </main>
  );
}

/** Figures of the page for `?debug`. */
function figures(stage: Stage, space: Space, call: Call) {
  const walkers = [...space.people.crowd.walkers.values()].map(({ player, trail }) => {
    const { x, y } = trail.at(-1) ?? { x: 0, y: 0 };
    return {
      player,
      name: space.people.card(player)?.name ?? "",
      x,
      y,
      drawn: stage.drawnAt(player),
    };
  });
  const { body, corrections, largest, jumps, walking, pending, seq } =
    space.walking.prediction ?? {};
  return {
    ...stage.figures(),
    ...space.figures,
    body: { ...body },
    corrections,
    largest,
    jumps,
    walking,
    pending,
    seq,
    walkers,
    calls: call.figures(),
    size: { width: space.map.current?.width, height: space.map.current?.height },
    connections: () => call.connections(),
    speaking: [...call.speaking.value],
    peers: [...space.calls.peers.value.values()],
    zones: space.zones.here().map((index) => space.map.current?.zones[index]?.name),
    me: space.people.me,
    epoch: space.epoch,
    roundTrip: space.roundTrip,
    delay: space.people.delay,
    status: space.status.value.kind,
  };
}

/** Taps and clicks walk or pick; the wheel and two fingers zoom. */
function pointers(
  stage: { current: Stage | null },
  onTap: (place: { player: number | undefined; x: number; y: number }) => void,
) {
  const down = new Map<number, { x: number; y: number; fromX: number; fromY: number }>();
  let isPinch = false;
  const spread = () => {
    const [a, b] = [...down.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  };
  return {
    onPointerDown: (event: PointerEvent) => {
      down.set(event.pointerId, {
        x: event.clientX,
        y: event.clientY,
        fromX: event.clientX,
        fromY: event.clientY,
      });
      isPinch = down.size > 1;
    },
    onPointerMove: (event: PointerEvent) => {
      const point = down.get(event.pointerId);
      if (!point) return;
      const before = spread();
      point.x = event.clientX;
      point.y = event.clientY;
      if (isPinch && before > 0) stage.current?.zoomBy(spread() / before);
    },
    onPointerUp: (event: PointerEvent) => {
      const point = down.get(event.pointerId);
      down.delete(event.pointerId);
      const current = stage.current;
      if (!point || !current) return;
      const wasTap = !isPinch && Math.hypot(point.x - point.fromX, point.y - point.fromY) < 10;
      if (down.size === 0) isPinch = false;
      if (!wasTap || event.button !== 0) return;
      const { left, top } = current.canvas.getBoundingClientRect();
      onTap(current.pick(event.clientX - left, event.clientY - top));
    },
    onPointerCancel: (event: PointerEvent) => {
      down.delete(event.pointerId);
    },
    onWheel: (event: WheelEvent) => {
      event.preventDefault();
      stage.current?.zoomBy(Math.exp(-event.deltaY * 0.0015));
    },
  };
}

interface PeopleProps {
  space: Space;
  onClose: () => void;
  onPick: (player: number) => void;
}

function PeoplePanel({ space, onClose, onPick }: PeopleProps) {
  const [search, setSearch] = useState("");
  const wanted = search.trim().toLocaleLowerCase();
  const people = space.people.all.value.filter(({ name }) =>
    name.toLocaleLowerCase().includes(wanted),
  );
  const [at, setAt] = useState(0);
  const panel = useRef<HTMLElement>(null);
  useLayer(onClose);
  useFocusInside(panel);
  return (
    <section ref={panel} class="panel people-panel" aria-label="People" tabIndex={-1}>
      <header>
        <h2>{space.people.all.value.length} here</h2>
        <IconButton icon="close" label="Close people" class="quiet small" onClick={onClose} />
      </header>
      <div style={{ padding: "0.6rem 0.6rem 0" }}>
        <input
          data-first
          class="input"
          type="search"
          placeholder="Find somebody"
          aria-label="Find somebody"
          value={search}
          onInput={(event) => setSearch(event.currentTarget.value)}
        />
      </div>
      <ul
        class="list"
        style={{ padding: "0.6rem", gap: "0.1rem" }}
        onKeyDown={(event) => rove(event, ".person")}
      >
        {people.length === 0 && <li class="muted">No one here has that name.</li>}
        {people.map((person, index) => (
          <li key={person.player}>
            <button
              type="button"
              class="person"
              // The list is one stop for the Tab key; arrow keys move inside it.
              tabIndex={index === Math.min(at, people.length - 1) ? 0 : -1}
              onFocus={() => setAt(index)}
              onClick={() => onPick(person.player)}
            >
              <Face imageUrl={person.avatar?.imageUrl ?? null} />
              <span>
                {person.name}
                {person.player === space.people.me && <span class="muted"> (you)</span>}{" "}
                <StatusMark status={person.status} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      <footer>
        <button
          type="button"
          class="button quiet small"
          aria-pressed={isNetworkShown.value}
          onClick={toggleNetwork}
        >
          Network figures
        </button>
      </footer>
    </section>
  );
}

function Notice({ space }: { space: Space }) {
  const notice = space.notice.value;
  useEffect(() => {
    if (notice === null) return;
    const timer = setTimeout(() => {
      space.notice.value = null;
    }, NOTICE_MILLIS);
    return () => clearTimeout(timer);
  }, [notice]);
  return notice === null ? null : (
    <div class="banner" role="status">
      {notice}
    </div>
  );
}

/** The connection ended for good: says why, and what can be done. */
function ConnectionEnded({ status, onRetry }: { status: Status; onRetry: () => void }) {
  const card = useRef<HTMLDivElement>(null);
  const hasEnded = status.kind === "ended";
  useEffect(() => {
    if (hasEnded) card.current?.querySelector<HTMLElement>("button, a")?.focus();
  }, [hasEnded]);
  if (status.kind === "ended") {
    const { title, advice, action } = status.ending;
    return (
      <div ref={card} class="curtain glass" role="alertdialog" aria-label={title}>
        <div class="card" style={{ textAlign: "center" }}>
          <h2>{title}</h2>
          <p>{advice}</p>
          {action === "rejoin" && (
            <button type="button" class="button primary" onClick={onRetry}>
              Come back
            </button>
          )}
          {action === "reload" && (
            <button type="button" class="button primary" onClick={() => location.reload()}>
              Load again
            </button>
          )}
          {action === "sign-in" && (
            <a
              class="button primary"
              href={here(`/signin?next=${encodeURIComponent(ours(location.pathname) ?? "/")}`)}
            >
              Sign in
            </a>
          )}
          <a class="button" href={here("/")}>
            To the lobby
          </a>
        </div>
      </div>
    );
  }
  return null;
}

/** The connection is being made again. */
function ConnectionLost({
  status,
  isIn,
  onRetry,
}: {
  status: Status;
  isIn: boolean;
  onRetry: () => void;
}) {
  if (!isIn || status.kind === "open" || status.kind === "ended") return null;
  return (
    <div class="banner" role="status">
      <Spinner label="Connection lost. Coming back…" />
      <button type="button" class="button small" onClick={onRetry}>
        Try now
      </button>
    </div>
  );
}
