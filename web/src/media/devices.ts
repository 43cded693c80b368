/**
 * Devices: microphones, cameras and loudspeakers: which there are, which is used, and what to say
 * when there is none.
 */

import { signal } from "@preact/signals";

export type DeviceKind = "audioinput" | "videoinput" | "audiooutput";

/** Every device that the browser lists; they have no names before permission is given. */
export const devices = signal<MediaDeviceInfo[]>([]);

export function devicesOf(kind: DeviceKind): MediaDeviceInfo[] {
  return devices.value.filter((device) => device.kind === kind && device.deviceId !== "");
}

const KEYS = {
  audioinput: "plaza.microphone",
  videoinput: "plaza.camera",
  audiooutput: "plaza.speaker",
} as const;

/** The device that was chosen last on this machine. */
export function chosen(kind: DeviceKind): string | null {
  return localStorage.getItem(KEYS[kind]);
}

export function choose(kind: DeviceKind, id: string): void {
  localStorage.setItem(KEYS[kind], id);
}

export async function listDevices(): Promise<void> {
  devices.value = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
}

/** Follows devices that are plugged in and out, until the returned function is called. */
export function watchDevices(): () => void {
  const onChange = () => void listDevices();
  onChange();
  navigator.mediaDevices?.addEventListener("devicechange", onChange);
  return () => navigator.mediaDevices?.removeEventListener("devicechange", onChange);
}

/**
 * Whether the browser offers microphone, camera and screen to this page: it does so only for https
 * pages and pages of this machine.
 */
export const mayAsk = globalThis.isSecureContext !== false;

/** Why it does not, and what to do about it. */
export const NEEDS_HTTPS =
  "Browsers give microphone, camera and screen only to https pages, and this one came over plain " +
  "http. Everything else works here. " +
  "Ask the people who run this server for an https address: any reverse proxy with " +
  "a certificate will do, and Caddy does it in one line.";

/** A device cannot be used; `message` is for the person. */
export class DeviceError extends Error {}

export async function openMicrophone(): Promise<MediaStreamTrack> {
  const wanted = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  const stream = await open("audioinput", { audio: { ...wanted, ...exactly("audioinput") } });
  return first(stream.getAudioTracks());
}

export async function openCamera(): Promise<MediaStreamTrack> {
  const wanted = {
    width: { ideal: 640 },
    height: { ideal: 360 },
    frameRate: { ideal: 24, max: 30 },
  };
  const stream = await open("videoinput", { video: { ...wanted, ...exactly("videoinput") } });
  return first(stream.getVideoTracks());
}

/** A screen, a window or a tab, with its sound where the browser can. */
export async function openScreen(): Promise<MediaStream> {
  if (!mayAsk) throw new DeviceError(NEEDS_HTTPS);
  if (!navigator.mediaDevices?.getDisplayMedia)
    throw new DeviceError("This browser cannot share a screen.");
  try {
    return await navigator.mediaDevices.getDisplayMedia({
      video: { frameRate: { ideal: 15, max: 30 } },
      audio: true,
    });
  } catch (error) {
    throw new DeviceError(explain(error, "screen"));
  }
}

function exactly(kind: DeviceKind): MediaTrackConstraints {
  const id = chosen(kind);
  return id ? { deviceId: { ideal: id } } : {};
}

async function open(
  kind: "audioinput" | "videoinput",
  constraints: MediaStreamConstraints,
): Promise<MediaStream> {
  const name = kind === "audioinput" ? "microphone" : "camera";
  if (!mayAsk) throw new DeviceError(NEEDS_HTTPS);
  if (!navigator.mediaDevices?.getUserMedia)
    throw new DeviceError(`This browser cannot use a ${name}.`);
  try {
    const stream = await navigator.mediaDevices.getUserMedia(constraints);
    // With permission the devices have names.
    void listDevices();
    return stream;
  } catch (error) {
    throw new DeviceError(explain(error, name));
  }
}

/** What to do about it, in words. */
export function explain(error: unknown, name: string): string {
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
      return name === "screen"
        ? "No screen was shared."
        : `This page may not use the ${name}. ` +
            "Allow it at the lock in the address bar, then try again.";
    case "NotFoundError":
    case "OverconstrainedError":
      return `No ${name} was found. Plug one in, then try again.`;
    case "NotReadableError":
    case "AbortError":
      return `The ${name} is used by another program. Close that one, then try again.`;
    default: {
      const reason = error instanceof Error ? error.message : String(error);
      return `The ${name} cannot be used: ${reason}`;
    }
  }
}

function first(tracks: MediaStreamTrack[]): MediaStreamTrack {
  const [track] = tracks;
  if (!track) throw new DeviceError("The browser gave no track.");
  return track;
}
