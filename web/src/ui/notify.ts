/** Notify: gets the attention of somebody who looks elsewhere: the title counts, and the browser tells when it may. */

import { effect, signal } from "@preact/signals";

/** Calls that came while the page was hidden. */
const missed = signal(0);
export const mayNotify = signal(typeof Notification === "function" && Notification.permission === "granted");

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

/** Tells it when nobody looks. */
export function notify(what: string, words: string): void {
  if (!document.hidden) return;
  missed.value++;
  if (!mayNotify.value) return;
  try {
    const notification = new Notification(what, { body: words.slice(0, 200), icon: "/icon.svg", tag: "plaza" });
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
  if (typeof Notification !== "function") return;
  mayNotify.value = (await Notification.requestPermission()) === "granted";
}
