/**
 * Graph: the audio of all players: volume by distance, then this person's own volume, then the
 * loudspeaker. Also finds out who is speaking.
 */

import { SMOOTH } from "./gain";

/** Root mean square of the samples above which a player counts as speaking. */
const SPEAKS = 0.015;
/** Milliseconds that a player still counts as speaking after the last sound. */
const HOLD = 350;

class Voice {
  readonly #source: MediaStreamAudioSourceNode;
  readonly #analyser: AnalyserNode;
  readonly #samples = new Float32Array(512);
  /** Chromium feeds no sound into the graph unless an element plays it. */
  readonly #element = new Audio();
  #spokeAt = -HOLD;

  constructor(context: AudioContext, track: MediaStreamTrack, into: AudioNode | undefined) {
    const stream = new MediaStream([track]);
    this.#element.muted = true;
    this.#element.srcObject = stream;
    void this.#element.play().catch(() => {});
    this.#source = context.createMediaStreamSource(stream);
    this.#analyser = new AnalyserNode(context, { fftSize: 512 });
    this.#source.connect(this.#analyser);
    if (into) this.#source.connect(into);
  }

  /** How loud it is right now, as the root mean square of its samples. */
  level(): number {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const sum = this.#samples.reduce((sum, sample) => sum + sample * sample, 0);
    return Math.sqrt(sum / this.#samples.length);
  }

  isSpeaking(now: number): boolean {
    if (this.level() > SPEAKS) this.#spokeAt = now;
    return now - this.#spokeAt < HOLD;
  }

  close(): void {
    this.#source.disconnect();
    this.#element.srcObject = null;
  }
}

interface Channel {
  /** Volume by the rules of the space. */
  distance: GainNode;
  /** Volume that this person chose. */
  personal: GainNode;
  voices: Map<string, Voice>;
  /** The volume that was set last. */
  volume: number;
}

export class Graph {
  readonly context = new AudioContext();
  readonly #channels = new Map<number, Channel>();
  #own: Voice | undefined;

  /** Browsers play sound only after the person did something. */
  wake(): void {
    if (this.context.state === "suspended") void this.context.resume();
  }

  get isAsleep(): boolean {
    return this.context.state !== "running";
  }

  /** Starts to play a track of a player. */
  add(player: number, kind: string, track: MediaStreamTrack): void {
    const channel = this.#channel(player);
    channel.voices.get(kind)?.close();
    channel.voices.set(kind, new Voice(this.context, track, channel.distance));
  }

  /** Stops playing a track of a player. */
  drop(player: number, kind: string): void {
    const channel = this.#channels.get(player);
    channel?.voices.get(kind)?.close();
    channel?.voices.delete(kind);
  }

  /** Sets how loud the rules make a player; `isCut` sets it at once, as at a border. */
  setVolume(player: number, volume: number, isCut: boolean): void {
    const channel = this.#channels.get(player);
    if (!channel || (channel.volume === volume && !isCut)) return;
    channel.volume = volume;
    const { gain } = channel.distance;
    const now = this.context.currentTime;
    gain.cancelScheduledValues(now);
    if (isCut) gain.setValueAtTime(volume, now);
    else gain.setTargetAtTime(volume, now, SMOOTH);
  }

  /** Sets this person's own volume for a player, 0 to 2. */
  setPersonalVolume(player: number, volume: number): void {
    this.#channel(player).personal.gain.value = volume;
  }

  /** The current gain of a player, for debugging and tests. */
  gainOf(player: number): number {
    return this.#channels.get(player)?.distance.gain.value ?? 0;
  }

  levelOf(player: number): number {
    return this.#channels.get(player)?.voices.get("microphone")?.level() ?? 0;
  }

  isSpeaking(player: number, now: number): boolean {
    return this.#channels.get(player)?.voices.get("microphone")?.isSpeaking(now) ?? false;
  }

  /** Measures the own microphone, to show that it works; it is not played. */
  listen(track: MediaStreamTrack | null): void {
    this.#own?.close();
    this.#own = track ? new Voice(this.context, track, undefined) : undefined;
  }

  ownLevel(): number {
    return this.#own?.level() ?? 0;
  }

  isOwnSpeaking(now: number): boolean {
    return this.#own?.isSpeaking(now) ?? false;
  }

  remove(player: number): void {
    const channel = this.#channels.get(player);
    if (!channel) return;
    for (const voice of channel.voices.values()) voice.close();
    channel.distance.disconnect();
    channel.personal.disconnect();
    this.#channels.delete(player);
  }

  close(): void {
    for (const player of this.#channels.keys()) this.remove(player);
    this.listen(null);
    void this.context.close();
  }

  #channel(player: number): Channel {
    let channel = this.#channels.get(player);
    if (!channel) {
      const distance = new GainNode(this.context, { gain: 0 });
      const personal = new GainNode(this.context, { gain: 1 });
      distance.connect(personal).connect(this.context.destination);
      channel = { distance, personal, voices: new Map(), volume: 0 };
      this.#channels.set(player, channel);
    }
    return channel;
  }
}
