/**
 * Own status: what others see of this player: their status and what they have switched on; and
 * waves between players.
 */

import { signal } from "@preact/signals";
import { STATUS } from "../world/statuses";
import type { StatusC2s, StatusS2c } from "./codec.gen";

/** Kinds of waves, as the server numbers them. */
export const WAVE = { wave: 0, ring: 1, approach: 2, lead: 3 } as const;

/** What the own status needs of the space. */
export interface OwnStatusPort {
  send(message: StatusC2s): void;
  /** Another player waves, rings, walks up, or asks this one to come along. */
  waved(player: number, kind: number): void;
}

export class OwnStatus {
  /** The number of the status in `world/statuses.ts`. */
  readonly chosen = signal<number>(STATUS.available);
  #media = { audio: false, video: false, screen: false };

  constructor(private readonly port: OwnStatusPort) {}

  choose(status: number): void {
    this.chosen.value = status;
    this.port.send({ type: "Set", status });
  }

  /** What is switched on. */
  media(audio: boolean, video: boolean, screen: boolean): void {
    this.#media = { audio, video, screen };
    this.port.send({ type: "Media", ...this.#media });
  }

  wave(player: number, kind: number): void {
    this.port.send({ type: "Wave", player, kind });
  }

  /** Asks a player to come along; oneself for all who are near. */
  lead(player: number): void {
    this.wave(player, WAVE.lead);
  }

  /** A connection opened: it knows nothing of what was chosen and switched on. */
  begin(): void {
    if (Object.values(this.#media).some(Boolean)) this.port.send({ type: "Media", ...this.#media });
    if (this.chosen.value !== STATUS.available)
      this.port.send({ type: "Set", status: this.chosen.value });
  }

  /** Takes a message of the server. */
  take(message: StatusS2c): void {
    switch (message.type) {
      case "Waved":
        this.port.waved(message.player, message.kind);
        break;
      default:
        message.type satisfies never;
    }
  }
}
