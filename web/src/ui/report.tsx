/** Report: tells those who look after the space about a person, with messages of theirs. */

import { useState } from "preact/hooks";
import type { ShownMessage } from "../net/message-list";
import { canQuote, type Quote, quoteOf, reportsApi } from "../net/reports-api";
import type { Space } from "../net/space";
import { plain } from "../world/markdown";
import {
  MOST_QUOTES,
  REPORT_CHARS,
  REPORT_KINDS,
  type ReportKind,
  whatHappensNext,
} from "../world/reports";
import { useAttempt } from "./attempt";
import { Dialog, ErrorNote, IconButton, Spinner } from "./controls";
import { Choose } from "./settings/fields";
import { stamp } from "./times";

/** The person that a report is about. */
export interface Reported {
  user: string;
  name: string;
}

/** What was decided. */
interface Decision {
  kind: ReportKind;
  text: string;
  quoted: readonly string[];
}

interface ReportProps {
  space: Space;
  person: Reported;
  /** The message from which it began. */
  message?: ShownMessage;
  onClose: () => void;
}

export function ReportDialog({ space, person, message, onClose }: ReportProps) {
  const [to, setTo] = useState<string | null>(null);
  const all = space.conversation.messages.peek();
  const theirs = all.filter((one) => one.user === person.user && canQuote(one));
  const send = async ({ kind, text, quoted }: Decision) => {
    const messages: Quote[] = theirs.filter(({ id }) => quoted.includes(id)).map(quoteOf);
    setTo(await reportsApi.report(space.id, { aboutId: person.user, kind, text, messages }));
  };
  return (
    <Dialog title={`Report ${person.name}`} onClose={onClose}>
      {to === null ? (
        <ReportForm
          name={person.name}
          messages={theirs}
          first={message?.id ?? null}
          onSend={send}
          onClose={onClose}
        />
      ) : (
        <Sent to={to} onClose={onClose} />
      )}
    </Dialog>
  );
}

/** Opens the dialog, on the card of a person. */
export function ReportButton({ space, person }: Pick<ReportProps, "space" | "person">) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" class="button small danger" onClick={() => setOpen(true)}>
        Report…
      </button>
      {isOpen && <ReportDialog space={space} person={person} onClose={() => setOpen(false)} />}
    </>
  );
}

interface FormProps {
  name: string;
  /** Messages of the person, the oldest first. */
  messages: readonly ShownMessage[];
  /** The one that is quoted from the beginning. */
  first: string | null;
  onSend: (decision: Decision) => Promise<void>;
  onClose: () => void;
}

export function ReportForm({ name, messages, first, onSend, onClose }: FormProps) {
  const [decision, setDecision] = useState<Decision>({
    ...{ kind: "harassment", text: "" },
    quoted: first === null ? [] : [first],
  });
  const { error, isBusy, run } = useAttempt();
  const edit = (change: Partial<Decision>) => setDecision({ ...decision, ...change });
  const isEmpty = decision.kind === "other" && decision.text.trim() === "";
  const submit = (event: Event) => {
    event.preventDefault();
    if (!isBusy && !isEmpty) void run(() => onSend({ ...decision, text: decision.text.trim() }));
  };
  return (
    <form onSubmit={submit}>
      <div class="row spread">
        <h2>Report {name}?</h2>
        <IconButton icon="close" label="Close" class="quiet" onClick={onClose} />
      </div>
      <Choose
        label="What is it about?"
        choices={REPORT_KINDS.map(({ kind }) => kind)}
        chosen={decision.kind}
        nameOf={(kind) => REPORT_KINDS.find((one) => one.kind === kind)?.label ?? kind}
        onChoose={(kind) => edit({ kind })}
      />
      <div class="field">
        <label for="report-text">
          What happened{decision.kind === "other" ? "" : " (if you like)"}
        </label>
        <textarea
          id="report-text"
          class="input"
          rows={3}
          maxLength={REPORT_CHARS}
          value={decision.text}
          onInput={(event) => edit({ text: event.currentTarget.value })}
        />
      </div>
      <Quotes messages={messages} quoted={decision.quoted} onQuote={(quoted) => edit({ quoted })} />
      <p class="muted small">
        Those who read it also see your name, both roles, where you both are, and who can hear{" "}
        {name} now.
      </p>
      {error && <ErrorNote>{error}</ErrorNote>}
      <div class="row">
        <button type="submit" class="button danger" disabled={isBusy || isEmpty}>
          {isBusy ? <Spinner label="One moment" /> : `Report ${name}`}
        </button>
        <button type="button" class="button" onClick={onClose}>
          Not now
        </button>
      </div>
    </form>
  );
}

interface QuotesProps {
  messages: readonly ShownMessage[];
  quoted: readonly string[];
  onQuote: (quoted: readonly string[]) => void;
}

/** Which messages of the person go with the report; the newest are offered first. */
function Quotes({ messages, quoted, onQuote }: QuotesProps) {
  if (messages.length === 0) return null;
  const isFull = quoted.length >= MOST_QUOTES;
  return (
    <fieldset class="choices">
      <legend>
        Messages that go with it ({quoted.length} of at most {MOST_QUOTES})
      </legend>
      <div class="quotes">
        {messages.toReversed().map(({ id, at, text, signed }) => {
          const isOn = quoted.includes(id);
          return (
            <label key={id} class="switch">
              <input
                type="checkbox"
                checked={isOn}
                disabled={isFull && !isOn}
                onChange={() =>
                  onQuote(isOn ? quoted.filter((other) => other !== id) : [...quoted, id])
                }
              />
              <span dir="auto">
                {plain(signed ?? text)} <span class="muted small">{stamp(at)}</span>
              </span>
            </label>
          );
        })}
      </div>
    </fieldset>
  );
}

/** What happens next. */
export function Sent({ to, onClose }: { to: string; onClose: () => void }) {
  return (
    <div class="section">
      <h2>Thank you. The report is sent.</h2>
      <p role="status">{whatHappensNext(to)}</p>
      <div class="row">
        <button type="button" class="button primary" autofocus onClick={onClose}>
          Close
        </button>
      </div>
    </div>
  );
}
