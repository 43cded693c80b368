/** Times: moments as people say them, in their own language's form and time zone. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A moment that is far beyond all calendars stands for no end. */
const FOREVER = 8.64e15;

/** A moment ahead: "in 5 minutes", "at 14:30", "on 3 May 2027, 14:30". */
export function shortTime(at: number, now = Date.now()): string {
  const left = at - now;
  if (left < MINUTE) return "in a moment";
  if (left < HOUR) {
    const minutes = Math.ceil(left / MINUTE);
    return minutes === 1 ? "in a minute" : `in ${minutes} minutes`;
  }
  return left < 12 * HOUR ? `at ${clock(at)}` : `on ${day(at)}`;
}

/** Until when something holds: "until 14:30", "for good". */
export function untilTime(at: number | null, now = Date.now()): string {
  if (at === null || at >= FOREVER) return "for good";
  return `until ${at - now < 12 * HOUR ? clock(at) : day(at)}`;
}

/** A moment in lists, as short as it can be: today's with the time alone. */
export function stamp(at: number, now = Date.now()): string {
  return Math.abs(at - now) < 12 * HOUR ? clock(at) : day(at);
}

/** How long: "10 minutes", "1 hour", "7 days". */
export function duration(millis: number): string {
  if (millis < HOUR) return plural(Math.round(millis / MINUTE), "minute");
  return millis < 2 * DAY && millis !== DAY
    ? plural(Math.round(millis / HOUR), "hour")
    : plural(Math.round(millis / DAY), "day");
}

/** A sentence of the server, with its moments as people here say them. */
export function withLocalTimes(text: string, now = Date.now()): string {
  return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, (moment) => stamp(Date.parse(moment), now));
}

/** As a field for a date and a time holds it; empty for none. */
export function fieldOf(at: number | null): string {
  if (at === null) return "";
  const local = new Date(at - new Date(at).getTimezoneOffset() * MINUTE);
  return local.toISOString().slice(0, 16);
}

/** What such a field says. */
export function timeIn(field: string): number | null {
  const at = new Date(field).getTime();
  return field === "" || Number.isNaN(at) ? null : at;
}

const clock = (at: number) =>
  new Date(at).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });

const day = (at: number) =>
  new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

const plural = (count: number, unit: string) => `${count} ${unit}${count === 1 ? "" : "s"}`;
