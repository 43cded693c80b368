/** Sound: a few soft notes, made here; off until the person switches them on. */

import { signal } from "@preact/signals";

export const isSoundOn = signal(localStorage.getItem("plaza.sound") === "on");

const NOTES = {
  chat: [660, 880],
  join: [440, 660],
  emote: [784],
  mention: [880, 1109, 1319],
} as const;

let context: AudioContext | undefined;

export function toggleSound(): void {
  isSoundOn.value = !isSoundOn.value;
  localStorage.setItem("plaza.sound", isSoundOn.value ? "on" : "off");
  if (isSoundOn.value) play("chat");
}

export function play(sound: keyof typeof NOTES): void {
  if (!isSoundOn.value) return;
  context ??= new AudioContext();
  const start = context.currentTime;
  NOTES[sound].forEach((frequency, index) => {
    if (!context) return;
    const at = start + index * 0.09;
    const oscillator = new OscillatorNode(context, { type: "sine", frequency });
    const gain = new GainNode(context, { gain: 0 });
    gain.gain.setValueAtTime(0, at);
    gain.gain.linearRampToValueAtTime(0.08, at + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0005, at + 0.25);
    oscillator.connect(gain).connect(context.destination);
    oscillator.start(at);
    oscillator.stop(at + 0.3);
  });
}
