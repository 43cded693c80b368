/**
 * Panels: which panel is open at the side, which part of the chat it shows, and whose card is open.
 */

import { type Signal, signal } from "@preact/signals";
import type { Tab } from "../../ui/chat";

/** The panel at the side: one at a time. */
export type Panel = "chat" | "people" | "hearers" | "page";

/** What the panels need of the screen. */
export interface PanelsPort {
  /** Whether panels lie over the world's lower part or all of it, as in `style/layout.css`. */
  isSheet(): boolean;
  /** The person sees that part of the chat. */
  saw(tab: Tab): void;
  /** The person looks away from the chat. */
  leftChat(): void;
  /** No panel is open any more. */
  closed(): void;
}

export class Panels {
  readonly open: Signal<Panel | null>;
  readonly tab: Signal<Tab> = signal("space");
  /** The player whose card is open. */
  readonly picked: Signal<number | null> = signal(null);
  /** Whether the settings of the space are open, over everything. */
  readonly isSetting = signal(false);
  /** The panel that was open before the page of a zone. */
  #under: Panel | null = null;

  constructor(
    first: Panel | null,
    private readonly port: PanelsPort,
  ) {
    this.open = signal(first);
  }

  /** Whether that part of the chat is open. */
  shows(tab: Tab): boolean {
    return this.open.value === "chat" && this.tab.value === tab;
  }

  show(which: Panel | null): void {
    if (this.open.value === "chat" && which !== "chat") this.port.leftChat();
    this.open.value = which;
    if (which === "chat") this.port.saw(this.tab.value);
    // Small screens show one sheet at a time.
    if (which !== null && this.port.isSheet()) this.picked.value = null;
    if (which === null) this.port.closed();
  }

  toggle(which: Panel): void {
    this.show(this.open.value === which ? null : which);
  }

  choose(tab: Tab): void {
    this.tab.value = tab;
    this.port.saw(tab);
  }

  /** Opens the card of a player; on small screens in place of the panel. */
  pick(player: number): void {
    this.picked.value = player;
    if (this.port.isSheet()) this.show(null);
  }

  /** The player entered a zone with a page. */
  openPage(): void {
    if (this.open.value !== "page") this.#under = this.open.value;
    this.show("page");
  }

  /** The player left the zone, or closed its page: what was open before comes back. */
  closePage(): void {
    if (this.open.value === "page") this.show(this.#under);
  }
}
