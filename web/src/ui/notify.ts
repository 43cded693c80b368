/**
 * Notify: gets the attention of a person who looks elsewhere: the title counts, and the browser
 * shows notifications where it may.
 */

import { effect, signal } from "@preact/signals";
import { here } from "../net/base";

/** Calls that came while the page was hidden. */
const missed = signal(0);
/**
 * Whether the browser would tell anything: it does for https pages and those of this machine only.
 */
export const canNotify = typeof Notification === "function" && globalThis.isSecureContext !== false;
export const mayNotify = signal(canNotify && Notification.permission === "granted");

let title = document.title;

effect(() => {
  if (missed.value === 0) document.title = title;
  else document.title = `(${missed.value}) ${title}`;
});

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) missed.value = 0;
});

/** What the page is called while nothing is missed. */
export function entitle(name: string): void {
  title = name;
  if (missed.value === 0) document.title = name;
}

/** Notifies the person while the page is hidden. */
export function notify(what: string, words: string): void {
  if (!document.hidden) return;
  missed.value++;
  if (!mayNotify.value) return;
  try {
    const notification = new Notification(what, {
      body: words.slice(0, 200),
      icon: here("/icon.svg"),
      tag: "plaza",
    });
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
  } catch {
    // Phones allow it only to service workers; the title counts all the same.
  }
}

/** Asks the person; only after they pressed something. */
export async function askToNotify(): Promise<void> {
  if (!canNotify) return;
  mayNotify.value = (await Notification.requestPermission()) === "granted";
}
