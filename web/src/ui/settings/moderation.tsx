/** Moderation: who is kicked, banned or muted now, and locking the space down. */

import { useEffect, useState } from "preact/hooks";
import type { Access } from "../../net/access";
import { moderationApi, type Sanction } from "../../net/moderation-api";
import { useAttempt } from "../attempt";
import { ErrorNote, Spinner } from "../controls";
import { duration, untilTime } from "../times";
import { Choose } from "./fields";

const MINUTE = 60_000;
const LOCKDOWNS = [15, 60, 240, 1440];

export function ModerationTab({ id, access }: { id: string; access: Access }) {
  const [sanctions, setSanctions] = useState<Sanction[] | null>(null);
  const { error, run } = useAttempt();
  const act = (what: () => Promise<void>) =>
    run(async () => {
      await what();
      await access.refresh();
      setSanctions(await moderationApi.sanctions(id));
    });
  useEffect(() => void act(async () => {}), []);
  return (
    <div class="section">
      {error && <ErrorNote>{error}</ErrorNote>}
      <Lockdown
        until={access.view.value?.lockdownUntil ?? null}
        onLock={(minutes) => act(() => moderationApi.lockDown(id, minutes))}
        onEnd={() => act(() => moderationApi.endLockdown(id))}
      />
      <h3>Kicked, banned or muted</h3>
      {!sanctions && !error && <Spinner label="Looking" />}
      {sanctions && (
        <SanctionList sanctions={sanctions} onLift={(sanction) => act(() => lift(id, sanction))} />
      )}
    </div>
  );
}

interface LockdownProps {
  until: number | null;
  onLock: (minutes: number) => void;
  onEnd: () => void;
}

/** Against raids: no one new comes in. */
export function Lockdown({ until, onLock, onEnd }: LockdownProps) {
  const [minutes, setMinutes] = useState(15);
  if (until !== null) {
    return (
      <div class="sure" role="status">
        <span>Locked down {untilTime(until)}: only moderators come in.</span>
        <button type="button" class="button small" onClick={onEnd}>
          End the lockdown
        </button>
      </div>
    );
  }
  return (
    <>
      <Choose
        label="Lock the space down for"
        choices={LOCKDOWNS}
        chosen={minutes}
        nameOf={(count) => duration(count * MINUTE)}
        onChoose={setMinutes}
      />
      <div class="row">
        <button type="button" class="button danger" onClick={() => onLock(minutes)}>
          Lock it down
        </button>
        <span class="muted small">Only moderators come in; those inside stay.</span>
      </div>
    </>
  );
}

interface SanctionListProps {
  sanctions: Sanction[];
  onLift: (sanction: Sanction) => void;
}

export function SanctionList({ sanctions, onLift }: SanctionListProps) {
  if (sanctions.length === 0)
    return <p class="muted">No one. A click on a person shows what you can do about them.</p>;
  return (
    <ul class="entries" aria-label="Kicked, banned or muted">
      {sanctions.map((sanction) => (
        <li key={`${sanction.userId} ${sanction.what} ${sanction.at}`}>
          <span class="grow">
            {nameOf(sanction)}: {WORDS[sanction.what] ?? sanction.what}
            <br />
            <span class="muted small">
              {untilTime(sanction.until)} · by {sanction.by}
              {sanction.reason && ` · ${sanction.reason}`}
            </span>
          </span>
          {sanction.userId !== null && (
            <button
              type="button"
              class="button small"
              aria-label={`Lift: ${nameOf(sanction)}, ${WORDS[sanction.what] ?? sanction.what}`}
              onClick={() => onLift(sanction)}
            >
              Lift
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

const WORDS: Record<string, string> = {
  kick: "kicked",
  ban: "banned",
  "mute-chat": "muted in the chat",
  "mute-voice": "microphone muted",
  "mute-video": "camera muted",
};

const nameOf = ({ userId, username }: Sanction) =>
  username ?? (userId === null ? "New guests of a network" : "A person who is gone");

/** Mutes of a person are lifted together. */
async function lift(space: string, { userId, what }: Sanction): Promise<void> {
  if (userId === null) return;
  if (what === "kick") await moderationApi.liftKick(space, userId);
  else if (what === "ban") await moderationApi.liftBan(space, userId);
  else await moderationApi.unmute(space, userId);
}
