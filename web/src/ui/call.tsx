/** Call: the switches of microphone, camera and screen, and who can hear. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { Call, Switch } from "../media/call";
import { mayAsk } from "../media/devices";
import { WHY } from "../media/gain";
import type { Access } from "../net/access";
import type { Peer } from "../net/codec.gen";
import type { Space } from "../net/space";
import { Gather } from "./bubble";
import { IconButton } from "./controls";
import { DeviceDialog, NeedsHttps } from "./devices";
import { useFocusInside } from "./focus";
import { hasModifier, isTyping } from "./keyboard";
import { is, SHORTCUTS, withKey } from "./keys";
import { useLayer } from "./layers";
import { whyMuted, whyNot } from "./muted";

const REASONS: Record<number, string> = {
  [WHY.distance]: "near you",
  [WHY.zone]: "in this private zone",
  [WHY.stage]: "from the stage",
  [WHY.bubble]: "in your bubble",
};

/** Phones cannot. Where the page may not ask, the button says why. */
const canShare = () => !mayAsk || typeof navigator.mediaDevices?.getDisplayMedia === "function";

interface CallBarProps {
  space: Space;
  call: Call;
  /** Whether the list of those who hear is open. */
  isListOpen: boolean;
  onList: () => void;
}

export function CallBar({ space, call, isListOpen, onList }: CallBarProps) {
  /** Whether the person agreed to be heard or seen since the page was loaded. */
  const [hasAgreed, setAgreed] = useState(false);
  const [dialog, setDialog] = useState<{ wanted: "microphone" | "camera" | null } | null>(null);
  const press = (which: Switch) => {
    const why = whyNot(space.access, which);
    if (why && !call.isOn[which].value) space.notice.value = why;
    else if (mayAsk && (hasAgreed || which === "screen" || call.isOn[which].value))
      void call.toggle(which);
    else setDialog({ wanted: which === "screen" ? null : which });
  };
  useCallKeys(space, call, press);
  const hearers = [...space.calls.peers.value.values()].filter(({ heard }) => heard).length;
  return (
    <>
      <div class="pill call" role="group" aria-label="Microphone and camera">
        <Switches space={space} call={call} onPress={press} />
        <IconButton
          icon="ear"
          label={`Who can hear me: ${hearers === 0 ? "nobody" : hearers}`}
          expanded={isListOpen}
          onClick={onList}
        >
          {hearers > 0 && (
            <span class="badge" aria-hidden="true">
              {hearers}
            </span>
          )}
        </IconButton>
        <IconButton icon="settings" label="Devices" onClick={() => setDialog({ wanted: null })} />
      </div>
      {dialog && !mayAsk && <NeedsHttps onClose={() => setDialog(null)} />}
      {dialog && mayAsk && (
        <DeviceDialog
          call={call}
          wanted={dialog.wanted}
          onAgree={() => setAgreed(true)}
          onClose={() => setDialog(null)}
        />
      )}
    </>
  );
}

interface SwitchesProps {
  space: Space;
  call: Call;
  onPress: (which: Switch) => void;
}

function Switches({ space, call, onPress }: SwitchesProps) {
  const { microphone, camera, screen } = call.isOn;
  const state = (which: Switch, isOn: boolean) =>
    whyMuted(space.access, which) ? "muted by a moderator" : isOn ? "on" : "off";
  return (
    <>
      <IconButton
        icon={microphone.value ? "microphone" : "microphoneOff"}
        label={withKey(`Microphone ${state("microphone", microphone.value)}`, SHORTCUTS.microphone)}
        pressed={microphone.value}
        class={call.speaking.value.has(space.people.me) ? "speaking" : ""}
        onClick={() => onPress("microphone")}
      />
      <IconButton
        icon={camera.value ? "camera" : "cameraOff"}
        label={withKey(`Camera ${state("camera", camera.value)}`, SHORTCUTS.camera)}
        pressed={camera.value}
        onClick={() => onPress("camera")}
      />
      {canShare() && (
        <IconButton
          icon="screen"
          label={screenLabel(screen.value, space.access)}
          pressed={screen.value}
          onClick={() => onPress("screen")}
        />
      )}
    </>
  );
}

function screenLabel(isOn: boolean, access: Access): string {
  if (whyMuted(access, "screen")) return "Sharing a screen: muted by a moderator";
  if (whyNot(access, "screen")) return "Sharing a screen: not for your role";
  return isOn ? "Stop sharing the screen" : "Share a screen";
}

/** Keys for the call; a button or a dialog that has the focus gets its keys itself. */
function useCallKeys(space: Space, call: Call, press: (which: Switch) => void): void {
  useEffect(() => {
    const isElsewhere = (event: KeyboardEvent) =>
      hasModifier(event) ||
      isTyping(event) ||
      (event.target instanceof Element && event.target.closest("button, dialog") !== null);
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.repeat || isElsewhere(event)) return;
      if (is(event, SHORTCUTS.microphone)) press("microphone");
      else if (is(event, SHORTCUTS.camera)) press("camera");
      else if (is(event, SHORTCUTS.bubble)) {
        if (space.bubbles.mine) space.bubbles.leave();
        else space.bubbles.gather(false);
      } else if (is(event, SHORTCUTS.talk) && call.isPushToTalk.value) call.talk(true);
    };
    const onKeyUp = (event: KeyboardEvent) => {
      if (is(event, SHORTCUTS.talk)) call.talk(false);
    };
    const onBlur = () => call.talk(false);
    addEventListener("keydown", onKeyDown);
    addEventListener("keyup", onKeyUp);
    addEventListener("blur", onBlur);
    return () => {
      removeEventListener("keydown", onKeyDown);
      removeEventListener("keyup", onKeyUp);
      removeEventListener("blur", onBlur);
    };
  });
}

/**
 * Why a device could not be switched on, and that the browser waits for a click before it plays.
 */
export function CallNotes({ call }: { call: Call }) {
  const failure = call.failure.value;
  if (failure !== null) {
    return (
      <div class="banner" role="alert">
        <span>{failure}</span>
        <button
          type="button"
          class="button small"
          onClick={() => {
            call.failure.value = null;
          }}
        >
          All right
        </button>
      </div>
    );
  }
  return call.isAsleep.value ? (
    <div class="banner quiet" role="status">
      Click or tap anywhere to hear the people near you.
    </div>
  ) : null;
}

/** Why a player hears and is heard. */
function reason({ why, gain }: Peer, space: Space): string {
  if (why === WHY.bubble && space.bubbles.mine?.aside) return "aside with you";
  return why === WHY.distance && gain < 255 ? "near, softly" : (REASONS[why] ?? "");
}

export function Hearers({
  space,
  call,
  onClose,
}: {
  space: Space;
  call: Call;
  onClose: () => void;
}) {
  const peers = [...space.calls.peers.value.values()];
  const people = new Map(space.people.all.value.map((person) => [person.player, person]));
  const panel = useRef<HTMLElement>(null);
  useLayer(onClose);
  useFocusInside(panel);
  return (
    <section ref={panel} class="panel hearers" aria-label="Who can hear me" tabIndex={-1}>
      <header>
        <h2>Who can hear me</h2>
        <IconButton icon="close" label="Close the list" class="quiet small" onClick={onClose} />
      </header>
      {peers.length > 0 && (
        <div class="gather">
          <Gather space={space} />
          <button
            type="button"
            class="button small"
            onClick={() => {
              space.own.lead(space.people.me);
              space.notice.value = "You asked everybody near to come along.";
            }}
          >
            Ask all to come along
          </button>
        </div>
      )}
      {peers.length === 0 && <p class="muted">No one. Walk up to people to talk.</p>}
      <ul class="list">
        {peers.map((peer) => {
          const person = people.get(peer.player);
          if (!person) return null;
          const isHeardOnly = peer.hear && !peer.heard;
          return (
            <li key={peer.player}>
              <span class={call.speaking.value.has(peer.player) ? "name speaking" : "name"}>
                {person.name}
              </span>
              <span class="muted small">
                {isHeardOnly ? "you hear them, they do not hear you" : reason(peer, space)}
                {(person.media & 1) === 0 && peer.hear ? ", muted" : ""}
              </span>
              <Volume call={call} player={peer.player} user={person.user} name={person.name} />
            </li>
          );
        })}
      </ul>
    </section>
  );
}

export function Volume({
  call,
  player,
  user,
  name,
}: {
  call: Call;
  player: number;
  user: string;
  name: string;
}) {
  return (
    <input
      type="range"
      class="volume"
      min={0}
      max={2}
      step={0.05}
      aria-label={`Volume of ${name}`}
      title={`Volume of ${name}`}
      value={call.personalVolume(user)}
      onInput={(event) => call.setPersonalVolume(player, user, Number(event.currentTarget.value))}
    />
  );
}
