/** Log: what was done in a space, and by which of its people. */

import { type AuditEntry, moderationApi } from "../../net/moderation-api";
import { stamp, withLocalTimes } from "../times";
import { Pages } from "./pages";

export function LogTab({ id }: { id: string }) {
  return (
    <Pages
      load={(before) => moderationApi.auditLog(id, before)}
      draw={(entries, isWhole) => <LogList entries={entries} isWhole={isWhole} />}
    />
  );
}

export function LogList({ entries, isWhole }: { entries: AuditEntry[]; isWhole: boolean }) {
  if (entries.length === 0) return isWhole ? <p class="muted">Nothing was done yet.</p> : null;
  return (
    <ul class="entries" aria-label="What was done">
      {entries.map((entry) => (
        <li key={entry.id}>
          <span class="grow">
            {entry.actor} {WORDS[entry.action] ?? entry.action} {entry.target}
            {entry.detail && (
              <>
                <br />
                <span class="muted small">{withLocalTimes(entry.detail)}</span>
              </>
            )}
          </span>
          <time class="muted small" dateTime={new Date(entry.at).toISOString()}>
            {stamp(entry.at)}
          </time>
        </li>
      ))}
    </ul>
  );
}

/** What the log calls an action; one of a later version has its own word. */
const WORDS: Record<string, string> = {
  "set-role": "changed the role of",
  "change-space": "changed",
  invite: "made an invite",
  "revoke-invite": "revoked an invite",
  "accept-invite": "came by an invite",
  kick: "kicked",
  "lift-kick": "lifted the kick of",
  ban: "banned",
  "lift-ban": "lifted the ban of",
  mute: "muted",
  unmute: "lifted the mute of",
  lockdown: "changed the lockdown of",
  "answer-request": "answered",
  "answer-report": "answered a report about",
  "offer-space": "offered the space to",
  "end-offer": "ended the offer to",
  "transfer-space": "took the space over from",
  "filter-words": "noted words of",
  "delete-space": "deleted",
};
