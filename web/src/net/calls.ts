/**
 * Calls: whom this player hears and sees, how far voices carry to them, and signals to set the
 * connections up. `media/call.ts` is the call itself.
 */

import { type Signal, signal } from "@preact/signals";
import type { Zone } from "../world/map";
import { reachBetween, type Speaker } from "../world/voices";
import type { CallC2s, CallS2c, Peer, Peers } from "./codec.gen";

/** What calls need of the space. */
export interface CallsPort {
  send(message: CallC2s): void;
  /** The tile and the status of another player. */
  speaker(player: number): Speaker | undefined;
  /** The tile and the status of this one. */
  me(): Speaker | undefined;
  /** The zones of the map, once it is known. */
  zones(): readonly Zone[] | undefined;
  /** The range of voices in the space, in tiles, once it is known. */
  usualReach(): number | undefined;
}

export class Calls {
  /** The players this one is connected to. */
  readonly peers: Signal<ReadonlyMap<number, Peer>> = signal(new Map());
  /** A player sent a signal about the connection to them. */
  onSignal: (player: number, body: string) => void = () => {};
  onSfu: (body: string) => void = () => {};

  constructor(private readonly port: CallsPort) {}

  /** Sends a signal about the connection to one player. */
  signal(player: number, body: string): void {
    this.port.send({ type: "Signal", player, body });
  }

  /** Sends a message to the SFU. */
  sendToSfu(body: string): void {
    this.port.send({ type: "Sfu", body });
  }

  /**
   * The range of voices between this player and another one, in tiles; the space's range while a
   * position is unknown.
   */
  reachTo(player: number): number | undefined {
    const usual = this.port.usualReach();
    const [me, other, zones] = [this.port.me(), this.port.speaker(player), this.port.zones()];
    if (!me || !other || !zones || usual === undefined) return usual;
    return reachBetween(me, other, zones, usual);
  }

  /** Takes who the peers are. */
  hear({ full, peers: changed, gone }: Peers): void {
    const peers = new Map(full ? [] : this.peers.value);
    for (const peer of changed) peers.set(peer.player, peer);
    for (const player of gone) peers.delete(player);
    this.peers.value = peers;
  }

  /** Takes a message of the server. */
  take(message: CallS2c): void {
    switch (message.type) {
      case "Signal":
        this.onSignal(message.player, message.body);
        break;
      case "Sfu":
        this.onSfu(message.body);
        break;
      default:
        message satisfies never;
    }
  }
}
