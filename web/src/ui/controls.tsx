/** Controls: the small components that every screen uses. */

import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { here } from "../net/base";

export function Brand() {
  return (
    <a class="brand" href={here("/")}>
      <img src={here("/icon.svg")} alt="" />
      Plaza
    </a>
  );
}

export function Spinner({ label }: { label: string }) {
  return (
    <span role="status" class="row">
      <span class="spinner" aria-hidden="true" />
      <span>{label}</span>
    </span>
  );
}

export function ErrorNote({ children }: { children: ComponentChildren }) {
  return (
    <p class="error" role="alert">
      {children}
    </p>
  );
}

interface FieldProps {
  id: string;
  label: string;
  value: string;
  onValue: (value: string) => void;
  hint?: string;
  input?: JSX.IntrinsicElements["input"];
}

export function Field({ id, label, value, onValue, hint, input }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        {...input}
        id={id}
        class="input"
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
        aria-describedby={hint ? `${id}-hint` : undefined}
      />
      {hint && (
        <span id={`${id}-hint`} class="muted small">
          {hint}
        </span>
      )}
    </div>
  );
}

/** A dialog of the browser's own: it keeps the focus, and Escape closes it. */
export function Dialog({
  title,
  onClose,
  class: className,
  children,
}: {
  title: string;
  onClose: () => void;
  class?: string;
  children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class={className} onClose={onClose} aria-label={title}>
      {children}
    </dialog>
  );
}

export function Face({ imageUrl }: { imageUrl: string | null }) {
  return (
    <span class="face" aria-hidden="true">
      <img src={here(imageUrl ?? "/art/avatars/robot.svg")} alt="" />
    </span>
  );
}

const ICONS = {
  back: "M19 12H5m6-6-6 6 6 6",
  chat: "M4 5h16v11H9l-5 4z",
  people:
    "M9 11a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7Zm-6 9c0-3.500 2.500-6 6-6s6 2.500 " +
    "6 6M16 4.500a3.500 3.500 0 0 1 0 6.500m2 3.500c2 .8 3 2.800 3 5.500",
  soundOff: "M11 5 6 9H3v6h3l5 4zM16 9.500l5 5m0-5-5 5",
  soundOn: "M11 5 6 9H3v6h3l5 4zM15.500 9a4.500 4.500 0 0 1 0 6M18 6.500a8 8 0 0 1 0 11",
  close: "m6 6 12 12M18 6 6 18",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1m2 4a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  trash: "M4 7h16M9 7V4h6v3m3 0-1 13H7L6 7m4 4v5m4-5v5",
  send: "m4 12 16-8-6 16-3-6z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm9 2-4-4",
  sliders: "M4 7h10m4 0h2M4 17h4m4 0h8M16 4.500v5M10 14.500v5",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.500 9.500h.01",
  announce: "M4 10v4h3l8 4V6l-8 4zM18 9.500a4 4 0 0 1 0 5M8 14.500V19",
  reply: "m9 7-5 5 5 5m-5-5h10a6 6 0 0 1 6 6",
  sun:
    "M12 17a5 5 0 1 0 0-10 5 5 0 0 0 0 10ZM12 1.500v2m0 17v2m10.500-10.500h-2m-17 " +
    "0h-2m17.900-7.400L18 6m-12 12-1.400 1.400m0-14.800L6 6m12 12 1.400 1.400",
  microphone:
    "M12 15a3.500 3.500 0 0 0 3.500-3.500v-5a3.500 3.500 0 0 0-7 0v5A3.500 3.500 0 0 0 12 " +
    "15Zm-6.500-4a6.500 6.500 0 0 0 13 0M12 17.500V21",
  microphoneOff:
    "M8.500 8.500v3a3.500 3.500 0 0 0 5.500 2.900m1.500-2.900v-5a3.500 3.500 0 0 " +
    "0-6.700-1.400M5.500 11a6.500 6.500 0 0 0 10.500 5m2.500-5c0 .9-.2 1.700-.5 2.500M12 " +
    "17.500V21M4 4l16 16",
  camera: "M3 7h12v10H3zm12 4 6-3.500v9L15 13z",
  cameraOff: "M7 7h8v7m0 3H3V7m12 4 6-3.500v9l-3.500-2M4 4l16 16",
  screen: "M3 5h18v11H3zm6 15h6m-3-4v4m0-12v5m-2.500-3L12 7.500 14.500 10",
  settings:
    "M4 7h9m5 0h2M4 17h2m5 0h9M15.500 9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 " +
    "5Zm-7 10a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5Z",
  ear:
    "M7 9a5.500 5.500 0 0 1 11 0c0 4-4 4.500-4 8a3.500 3.500 0 0 1-6.500 1.800M10 " +
    "9.500a2.500 2.500 0 0 1 5 0c0 2-2 2-2 3.500",
  lock: "M6 11h12v9H6zm2.500 0V8a3.500 3.500 0 0 1 7 0v3",
  unlock: "M6 11h12v9H6zm2.500 0V8a3.500 3.500 0 0 1 6.800-1.200",
  map: "m3 6 6-2.500 6 2.500 6-2.500v14.500l-6 2.500-6-2.500-6 2.500zM9 3.500V18m6-12v14.500",
  full: "M4 9V4h5m6 0h5v5m0 6v5h-5m-6 0H4v-5",
  smile:
    "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Zm-4-7c1 1.700 2.300 2.500 4 2.500s3-.8 " +
    "4-2.500M9 9.500v.5m6-.5v.5",
} as const;

export type IconName = keyof typeof ICONS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg
      width="20"
      height="20"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={ICONS[name]} />
    </svg>
  );
}

interface IconButtonProps {
  icon: IconName;
  label: string;
  onClick: () => void;
  pressed?: boolean;
  expanded?: boolean;
  disabled?: boolean;
  class?: string;
  children?: ComponentChildren;
}

export function IconButton({
  icon,
  label,
  onClick,
  pressed,
  expanded,
  disabled,
  class: className,
  children,
}: IconButtonProps) {
  return (
    <button
      type="button"
      class={`button icon with-badge ${className ?? ""}`}
      aria-label={label}
      title={label}
      aria-pressed={pressed}
      aria-expanded={expanded}
      disabled={disabled}
      onClick={onClick}
    >
      <Icon name={icon} />
      {children}
    </button>
  );
}
