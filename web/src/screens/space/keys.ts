/** Keys: what the keyboard does in a space, but for shortcuts that belong to one component. */

import { useEffect, useMemo } from "preact/hooks";
import { HeldKeys, hasModifier, isTyping } from "../../ui/keyboard";
import { is, SHORTCUTS } from "../../ui/keys";
import { closeTopmost } from "../../ui/layers";
import { toggleNetwork } from "../../ui/network";
import { emoteOf } from "../../world/emotes";

/** How much closer one key press brings the world. */
const ZOOM = 1.2;

/** What keys act on. */
export interface KeysPort {
  hold(direction: number, run: boolean): void;
  emote(kind: number): void;
  zoomBy(factor: number): void;
  /** Opens the chat, to write. */
  openChat(): void;
  focusWorld(): void;
  stopFollowing(): void;
}

/** A key was pressed. */
export function press(event: KeyboardEvent, held: HeldKeys, port: KeysPort): void {
  if (is(event, SHORTCUTS.leave)) leave(event, port);
  if (is(event, SHORTCUTS.leave) || hasModifier(event)) return;
  if (is(event, SHORTCUTS.network)) {
    // The browser would search the page.
    event.preventDefault();
    toggleNetwork();
    return;
  }
  if (isTyping(event)) return;
  const kind = emoteOf(event.key);
  if (is(event, SHORTCUTS.chat) && !isOn(event, "button, a")) {
    event.preventDefault();
    port.openChat();
  } else if (kind !== undefined) port.emote(kind);
  else if (is(event, SHORTCUTS.closer)) port.zoomBy(ZOOM);
  else if (is(event, SHORTCUTS.farther)) port.zoomBy(1 / ZOOM);
  // In a panel the arrow keys scroll.
  else if (isOn(event, ".panel, .who-card, [role=tablist]")) return;
  else if (held.down(event.code, event.shiftKey)) event.preventDefault();
}

/** Escape leaves the field, to walk on; the next Escape closes the panel. */
function leave(event: KeyboardEvent, port: KeysPort): void {
  // A dialog of the browser's own closes by itself.
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  if (isOn(event, "textarea")) port.focusWorld();
  else if (!closeTopmost()) port.stopFollowing();
}

function isOn({ target }: Event, selector: string): boolean {
  return target instanceof Element && target.closest(selector) !== null;
}

/** Listens while the screen is there. */
export function useKeys(port: KeysPort): void {
  const held = useMemo(() => new HeldKeys((direction, run) => port.hold(direction, run)), [port]);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => press(event, held, port);
    const onKeyUp = (event: KeyboardEvent) => held.up(event.code, event.shiftKey);
    const onBlur = () => held.release();
    addEventListener("keydown", onKeyDown);
    addEventListener("keyup", onKeyUp);
    addEventListener("blur", onBlur);
    return () => {
      removeEventListener("keydown", onKeyDown);
      removeEventListener("keyup", onKeyUp);
      removeEventListener("blur", onBlur);
      held.release();
    };
  }, [held]);
}
