/**
 * Access: what this user may do in the space, and who may enter it. Asked for with every
 * connection, and again when a screen is about it.
 */

import { type Signal, signal } from "@preact/signals";
import { MUTED, type Muted } from "../world/moderation";
import type { Permission } from "../world/permissions";
import { type AccessView, accessApi, type SpaceChange } from "./access-api";

export class Access {
  /** `null` until the server has said it. */
  readonly view: Signal<AccessView | null> = signal(null);
  /** How many requests to join came while this user was inside and may answer. */
  readonly requests = signal(0);
  /** How many reports came while this user was inside and may answer. */
  readonly reports = signal(0);
  #asked = 0;

  constructor(
    private readonly space: string,
    private readonly notice: (message: string) => void,
  ) {}

  /** Role of this user; the lowest until it is known. */
  get role(): string {
    return this.view.value?.role ?? "guest";
  }

  may(permission: Permission): boolean {
    return this.view.value?.may.includes(permission) ?? false;
  }

  /** Until when this user is muted: `null` until it is lifted; nothing when they are not. */
  mutedUntil(what: Muted): number | null | undefined {
    const mute = this.view.value?.mutes.find((mute) => mute.what === what);
    return mute && (mute.until === null || mute.until > Date.now()) ? mute.until : undefined;
  }

  /** Takes a notice; returns whether it is about access. A request is shown with its answers. */
  hear({ code, message }: { code: string; message: string }): boolean {
    if (code === "join-request") this.requests.value++;
    if (code === "report") this.reports.value++;
    if (code === "membership") void this.#changed(message);
    return code === "join-request" || code === "membership";
  }

  /** Mutes are shown for as long as they hold; other changes once. */
  async #changed(message: string): Promise<void> {
    await this.refresh();
    if (MUTED.every(({ what }) => this.mutedUntil(what) === undefined)) this.notice(message);
  }

  /** Asks again. What is known stays when that fails: the server decides anyway. */
  async refresh(): Promise<void> {
    const asked = ++this.#asked;
    try {
      const view = await accessApi.view(this.space);
      if (asked === this.#asked) this.view.value = view;
    } catch {
      // The next connection asks again.
    }
  }

  async change(change: SpaceChange): Promise<void> {
    const view = await accessApi.change(this.space, change);
    this.#asked++;
    this.view.value = view;
  }
}
