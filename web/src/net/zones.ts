/**
 * Zones: the zones that this player stands in; private zones: which are closed to them, locking
 * them, and who knocks.
 */

import { type Signal, signal } from "@preact/signals";
import {
  closedZoneAt,
  type Door,
  type Doors,
  doorsOf,
  noDoors,
  type PrivateZone,
  whyClosed,
} from "../world/doors";
import { type Grid, has } from "../world/grid";
import { leadsOut } from "../world/home";
import type { Zone } from "../world/map";
import type { ZoneC2s, ZoneS2c, ZoneState } from "./codec.gen";
import type { Request } from "./requests";

/** The state of a private zone. */
export type PrivateZoneState = Omit<ZoneState, "zone">;

/** What the zones need of the space. */
export interface ZonesPort {
  send(message: ZoneC2s): boolean;
  /** The zones of the map. */
  zones(): readonly Zone[];
  /** What blocks movement, once the player is here. */
  grid(): Grid | undefined;
  /** The tile of the own player. */
  tile(): { x: number; y: number } | undefined;
  nameOf(player: number): string;
  isHere(player: number): boolean;
  /** Movement stops at these doors from now on. */
  hang(doors: Doors): void;
  /** A player asks to come in. */
  knocked(): void;
  notice(message: string): void;
  /** This person stepped through a portal to another space. */
  leave(space: string, arrive: string): void;
}

export class Zones {
  /** Private zones that are locked, limited or used, by the zone's index in the map. */
  readonly states: Signal<ReadonlyMap<number, PrivateZoneState>> = signal(new Map());
  /** Players who ask to come into the own private zone or bubble. */
  readonly knocks: Signal<Request[]> = signal([]);
  /** Locked zones that this player was let into. */
  readonly #admitted = new Set<number>();
  #doors: Doors = noDoors;

  constructor(private readonly port: ZonesPort) {}

  lock(zone: number, locked: boolean): void {
    this.port.send({ type: "Lock", zone, locked });
  }

  knock(zone: number): void {
    if (this.port.send({ type: "Knock", zone }))
      this.port.notice("You knocked. A person inside can let you in.");
  }

  /** Lets in a player who knocked, or declines. */
  answer(player: number, isWelcome: boolean): void {
    this.knocks.value = this.knocks.value.filter((knock) => knock.player !== player);
    if (isWelcome) this.port.send({ type: "Admit", player });
  }

  /** A player knocks at the private zone or the bubble of this one. */
  hearKnock(player: number): void {
    const others = this.knocks.value.filter((knock) => knock.player !== player);
    this.knocks.value = [...others, { player, name: this.port.nameOf(player) }];
    this.port.knocked();
  }

  /** The zones that this player stands in, as indices in the map. */
  here(): number[] {
    const tile = this.port.tile();
    if (!tile) return [];
    return this.port.zones().flatMap((zone, index) => (has(zone, tile.x, tile.y) ? [index] : []));
  }

  /** The closed private zone before this player: why it is closed, and its name. */
  doorHere(): Door | undefined {
    const tile = this.port.tile();
    if (!tile) return undefined;
    const isClosed = (zone: number) => this.#isClosed(zone);
    const zone = closedZoneAt(this.#private(), isClosed, tile.x, tile.y);
    const state = zone === undefined ? undefined : this.states.value.get(zone);
    if (zone === undefined || !state) return undefined;
    const name = this.port.zones()[zone]?.name || "the door";
    const { lockedBy } = state;
    const isKnown = lockedBy !== null && this.port.isHere(lockedBy);
    const keeper = isKnown ? this.port.nameOf(lockedBy) : undefined;
    return { zone, name, why: whyClosed(state, keeper) };
  }

  /** Whether no way leads out of where this player stands. */
  isWalledIn(): boolean {
    const [grid, tile, zones] = [this.port.grid(), this.port.tile(), this.port.zones()];
    if (!grid || !tile) return false;
    return !leadsOut(grid, this.#doors, zones, tile.x, tile.y);
  }

  /** A connection opened. The states of occupied and locked zones follow. */
  begin(): void {
    this.#admitted.clear();
    this.states.value = new Map();
    this.updateDoors();
    this.knocks.value = [];
  }

  /** Messages were dropped. The states of occupied and locked zones follow, and no others. */
  missed(): void {
    this.states.value = new Map();
    this.updateDoors();
  }

  /**
   * Updates what is closed to this player: zones that are full, and locked ones that they were not
   * let into.
   */
  updateDoors(): void {
    this.#doors = doorsOf(this.#private(), (zone) => this.#isClosed(zone));
    this.port.hang(this.#doors);
  }

  /** Takes a message of the server. */
  take(message: ZoneS2c): void {
    switch (message.type) {
      case "State": {
        const { zone, locked, people, cap, lockedBy } = message;
        const state = { locked, people, cap, lockedBy };
        this.states.value = new Map(this.states.value).set(zone, state);
        if (!locked) this.#admitted.delete(zone);
        this.updateDoors();
        break;
      }
      case "Knocked":
        this.hearKnock(message.player);
        break;
      case "Admitted":
        this.#admitted.add(message.zone);
        this.updateDoors();
        this.port.notice("You may come in.");
        break;
      case "Portal":
        this.port.leave(message.space, message.arrive);
        break;
      default:
        message satisfies never;
    }
  }

  #private(): PrivateZone[] {
    return this.port
      .zones()
      .flatMap((area, zone): PrivateZone[] => (area.kind === "private" ? [{ zone, area }] : []));
  }

  #isClosed(zone: number): boolean {
    const state = this.states.value.get(zone);
    if (!state) return false;
    return (
      (state.cap > 0 && state.people >= state.cap) || (state.locked && !this.#admitted.has(zone))
    );
  }
}
