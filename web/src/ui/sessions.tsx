/** Sessions: where the person is signed in, and ending one of these sessions. */

import { useEffect, useState } from "preact/hooks";
import { api, type OwnSession } from "../net/api";
import { useAttempt } from "./attempt";
import { ErrorNote, Spinner } from "./controls";
import { stamp } from "./times";

export function Sessions() {
  const [sessions, setSessions] = useState<OwnSession[] | null>(null);
  const [said, setSaid] = useState("");
  const { error, run } = useAttempt();
  const load = async () => setSessions(await api.sessions());
  useEffect(() => void run(load), []);
  const end = ({ id }: OwnSession) =>
    run(async () => {
      await api.endSession(id);
      setSaid("That session has ended.");
      await load();
    });
  return (
    <>
      {error && <ErrorNote>{error}</ErrorNote>}
      {!sessions && !error && <Spinner label="Looking where you are" />}
      {sessions && <SessionList sessions={sessions} onEnd={end} />}
      <p class="small" role="status">
        {said}
      </p>
    </>
  );
}

interface SessionListProps {
  sessions: OwnSession[];
  onEnd: (session: OwnSession) => void;
}

export function SessionList({ sessions, onEnd }: SessionListProps) {
  return (
    <ul class="entries" aria-label="Sessions">
      {sessions.map((session) => (
        <li key={session.id}>
          <span class="grow">
            {session.isThis ? "This browser" : `Last used ${stamp(session.usedAt)}`}
            <br />
            <span class="muted small">Signed in {stamp(session.createdAt)}</span>
          </span>
          {!session.isThis && (
            <button
              type="button"
              class="button small"
              aria-label={`End the session of ${stamp(session.createdAt)}`}
              onClick={() => onEnd(session)}
            >
              End
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}
