/** Entrance: what a person can do who may not come into a space: not yet, or not without more. */

import { useEffect, useState } from "preact/hooks";
import { accessApi, type Refusal } from "../net/access-api";
import { moderationApi } from "../net/moderation-api";
import { useAttempt } from "./attempt";
import { ErrorNote, Field, Spinner } from "./controls";
import { PasswordField } from "./password";
import { shortTime } from "./times";

/** Milliseconds between two tries to come into a full space. */
const TRY_EVERY = 10_000;

/** Milliseconds between two looks at whether a request was answered. */
const LOOK_EVERY = 2000;

/** Milliseconds between two looks at whether the person may come back earlier. */
const LIFTED_EVERY = 10_000;

/** Letters of a request. */
const REQUEST_LETTERS = 200;

/** Longest wait that a timer can hold, in milliseconds. */
const LONGEST = 2 ** 31 - 1;

export function GivePassword({ id, onDone }: { id: string; onDone: () => void }) {
  const [password, setPassword] = useState("");
  const { error, isBusy, run } = useAttempt();
  const submit = (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    void run(async () => {
      await accessApi.enter(id, password);
      onDone();
    });
  };
  return (
    <form class="section entrance" onSubmit={submit}>
      <PasswordField
        id="space-password"
        label="Password of this space"
        value={password}
        onValue={setPassword}
      />
      {error && <ErrorNote>{error}</ErrorNote>}
      <button type="submit" class="button primary" disabled={isBusy || password === ""}>
        {isBusy ? <Spinner label="One moment" /> : "Come in"}
      </button>
    </form>
  );
}

/** Tries again and again while this is shown. */
export function WaitForRoom({ onRetry }: { onRetry: () => void }) {
  useEffect(() => {
    const timer = setInterval(onRetry, TRY_EVERY);
    return () => clearInterval(timer);
  }, []);
  return (
    <>
      <p class="row centred">
        <Spinner label="Waiting for room" />
      </p>
      <button type="button" class="button primary" onClick={onRetry}>
        Try now
      </button>
    </>
  );
}

/** Asks those inside, and comes in when one of them agrees. */
export function AskToJoin({ id, onDone }: { id: string; onDone: () => void }) {
  const [text, setText] = useState("");
  const [isAsked, setAsked] = useState(false);
  const { error, isBusy, run } = useAttempt();
  useLetIn(id, isAsked, onDone);
  const submit = (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    void run(async () => {
      await moderationApi.askToJoin(id, text.trim());
      setAsked(true);
    });
  };
  const takeBack = () =>
    run(async () => {
      await moderationApi.takeRequestBack(id);
      setAsked(false);
    });
  return (
    <form class="section entrance" onSubmit={submit}>
      {isAsked ? (
        <>
          <Spinner label="Asked. You come in as soon as one of them lets you in." />
          <button type="button" class="button" disabled={isBusy} onClick={takeBack}>
            Take it back
          </button>
        </>
      ) : (
        <>
          <Field
            id="join-text"
            label="Who you are, or why you come"
            hint="Those who may let you in see it."
            value={text}
            onValue={setText}
            input={{ maxLength: REQUEST_LETTERS }}
          />
          <button type="submit" class="button primary" disabled={isBusy}>
            {isBusy ? <Spinner label="One moment" /> : "Request to join"}
          </button>
        </>
      )}
      {error && <ErrorNote>{error}</ErrorNote>}
    </form>
  );
}

/** Calls once the person may enter, looked at again and again while they wait. */
function useLetIn(id: string, waits: boolean, onLetIn: () => void): void {
  useEffect(() => {
    if (!waits) return;
    const timer = setInterval(() => {
      accessApi.view(id).then(
        (view) => view.refusal === null && onLetIn(),
        () => {},
      );
    }, LOOK_EVERY);
    return () => clearInterval(timer);
  }, [id, waits]);
}

/** Says when the person may come back, and lets them in then. */
export function ComeBack({ id, onRetry }: { id: string; onRetry: () => void }) {
  const refusal = useRefusal(id);
  const until = refusal?.until ?? null;
  const [isTime, setTime] = useState(false);
  useEffect(() => {
    if (until === null) return;
    const timer = setTimeout(() => setTime(true), Math.min(until - Date.now() + 500, LONGEST));
    return () => clearTimeout(timer);
  }, [until]);
  if (refusal === undefined || (refusal !== null && until === null)) return null;
  const mayCome = refusal === null || isTime;
  return (
    <>
      <p role="status">
        {mayCome ? "You can come in now." : `Come back ${shortTime(until ?? 0)}.`}
      </p>
      {mayCome && (
        <button type="button" class="button primary" onClick={onRetry}>
          Come in
        </button>
      )}
    </>
  );
}

/**
 * Why the person may not enter, looked at again and again: a moderator may lift it. `null` when
 * they may; nothing while that is not known.
 */
function useRefusal(id: string): Refusal | null | undefined {
  const [refusal, setRefusal] = useState<Refusal | null | undefined>();
  useEffect(() => {
    const look = () =>
      accessApi.view(id).then(
        (view) => setRefusal(view.refusal),
        () => {},
      );
    void look();
    const timer = setInterval(look, LIFTED_EVERY);
    return () => clearInterval(timer);
  }, [id]);
  return refusal;
}
