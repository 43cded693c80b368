/** Sound: a few soft notes, made here; the person switches them off. */

import { signal } from "@preact/signals";

export const isSoundOn = signal(localStorage.getItem("plaza.sound") !== "off");

const NOTES = {
  chat: [660, 880],
  join: [440, 660],
  emote: [784],
  mention: [880, 1109, 1319],
  /** A conversation begins, and a person joins it. */
  meet: [523, 784],
  joined: [784],
} as const;

/** How loud a note is, at most. */
const LOUD = 0.06;
/** Milliseconds in which the same sound is not made again. */
const PAUSE = 1200;

let context: AudioContext | undefined;
const played = new Map<keyof typeof NOTES, number>();

export function toggleSound(): void {
  isSoundOn.value = !isSoundOn.value;
  localStorage.setItem("plaza.sound", isSoundOn.value ? "on" : "off");
  if (isSoundOn.value) play("chat");
}

export function play(sound: keyof typeof NOTES): void {
  // Before the person did something in the page, browsers keep sounds and play them all at once.
  if (!isSoundOn.value || navigator.userActivation?.hasBeenActive === false) return;
  const now = performance.now();
  if (now - (played.get(sound) ?? Number.NEGATIVE_INFINITY) < PAUSE) return;
  played.set(sound, now);
  context ??= new AudioContext();
  const start = context.currentTime;
  NOTES[sound].forEach((frequency, index) => {
    if (!context) return;
    const at = start + index * 0.09;
    const oscillator = new OscillatorNode(context, { type: "sine", frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(LOUD, at + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0005, at + 0.25);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(at);
    oscillator.stop(at + 0.3);
  });
}
