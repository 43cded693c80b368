/** Reports: what people report about others, for those who answer. */

import { useEffect, useState } from "preact/hooks";
import type { Report, ReportPage, ReportState } from "../../net/reports-api";
import { nameOfRole } from "../../world/permissions";
import { labelOfKind, REPORT_CHARS } from "../../world/reports";
import { useAttempt } from "../attempt";
import { ErrorNote, Spinner } from "../controls";
import { stamp } from "../times";
import { Choose } from "./fields";

/** Where reports come from, and where answers go. */
export interface ReportsPort {
  list: (state: ReportState, before: string) => Promise<ReportPage>;
  answer: (report: Report, answer: string) => Promise<void>;
  /** Shows what can be done about the person; absent when they are not here. */
  actOn?: ((report: Report) => (() => void) | undefined) | undefined;
}

const STATES = ["open", "done"] as const;

export function ReportsTab({ port, hasSpaces }: { port: ReportsPort; hasSpaces?: boolean }) {
  const [state, setState] = useState<ReportState>("open");
  const [reports, setReports] = useState<Report[]>([]);
  const [before, setBefore] = useState<string | null>("");
  const [said, setSaid] = useState("");
  const { error, isBusy, run } = useAttempt();
  const load = async (known: Report[], from: string) => {
    const page = await port.list(state, from);
    setReports([...known, ...page.reports]);
    setBefore(page.before);
  };
  useEffect(() => {
    setReports([]);
    void run(() => load([], ""));
  }, [state]);
  const answer = (report: Report, text: string) =>
    run(async () => {
      await port.answer(report, text);
      setSaid(`The report about ${report.about.username} is answered.`);
      await load([], "");
    });
  return (
    <div class="section">
      <Choose
        label="Show"
        choices={STATES}
        chosen={state}
        nameOf={(one) => (one === "open" ? "Open reports" : "Answered reports")}
        onChoose={setState}
      />
      {error && <ErrorNote>{error}</ErrorNote>}
      <p class="small" role="status">
        {said}
      </p>
      {isBusy && <Spinner label="Looking" />}
      {!isBusy && !error && reports.length === 0 && (
        <p class="muted">{state === "open" ? "No open reports." : "None was answered yet."}</p>
      )}
      <ul class="entries reports" aria-label="Reports">
        {reports.map((report) => (
          <ReportItem
            key={report.id}
            report={report}
            hasSpace={hasSpaces ?? false}
            isBusy={isBusy}
            onAnswer={(text) => answer(report, text)}
            onAct={port.actOn?.(report)}
          />
        ))}
      </ul>
      {before !== null && before !== "" && !isBusy && (
        <button type="button" class="button" onClick={() => run(() => load(reports, before))}>
          Show earlier
        </button>
      )}
    </div>
  );
}

interface ItemProps {
  report: Report;
  /** Whether the space is named. */
  hasSpace: boolean;
  isBusy: boolean;
  onAnswer: (text: string) => void;
  onAct: (() => void) | undefined;
}

export function ReportItem({ report, hasSpace, isBusy, onAnswer, onAct }: ItemProps) {
  const { about, by } = report;
  const isOpen = report.state === "open";
  return (
    <li>
      <article class="grow" aria-label={`Report about ${about.username}`}>
        <strong>{about.username}</strong> <span class="tag">{nameOfRole(about.role)}</span>
        <br />
        {labelOfKind(report.kind)}
        <p class="muted small">
          {stamp(report.at)} · by {by.username} ({nameOfRole(by.role).toLowerCase()})
          {hasSpace && ` · in ${report.spaceName}`}
        </p>
        {report.text && (
          <p class="report-text" dir="auto">
            {report.text}
          </p>
        )}
        <QuoteList report={report} />
        <p class="muted small">{whereabouts(report)}</p>
        {isOpen ? (
          <Answer report={report} isBusy={isBusy} onAnswer={onAnswer} onAct={onAct} />
        ) : (
          <p class="small">
            Answered by {report.doneBy}
            {report.doneAt !== null && `, ${stamp(report.doneAt)}`}
            {report.answer && `: ${report.answer}`}
          </p>
        )}
      </article>
    </li>
  );
}

function QuoteList({ report }: { report: Report }) {
  return (
    <>
      {report.messages.map(({ id, text, at, stored, later }) => (
        <blockquote key={id}>
          <span dir="auto">{text}</span>
          <br />
          <span class="muted small">
            {stamp(at)}
            {!stored && " · to those nearby"}
            {later === "" && " · deleted since"}
            {!!later && ` · now: ${later}`}
          </span>
        </blockquote>
      ))}
    </>
  );
}

interface AnswerProps {
  report: Report;
  isBusy: boolean;
  onAnswer: (text: string) => void;
  onAct: (() => void) | undefined;
}

function Answer({ report, isBusy, onAnswer, onAct }: AnswerProps) {
  const [text, setText] = useState("");
  const id = `answer-${report.id}`;
  return (
    <>
      <div class="field">
        <label for={id}>Answer to {report.by.username}</label>
        <textarea
          id={id}
          class="input"
          rows={2}
          maxLength={REPORT_CHARS}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      <div class="row">
        <button
          type="button"
          class="button small primary"
          disabled={isBusy}
          onClick={() => onAnswer(text.trim())}
        >
          Done
        </button>
        {onAct && (
          <button type="button" class="button small" onClick={onAct}>
            Mute, kick or ban…
          </button>
        )}
      </div>
    </>
  );
}

/** Where the two were, and who heard the person, as far as it is known. */
export function whereabouts({ about, by, wasInside, hearers }: Report): string {
  if (wasInside === null) return "It is not known who was inside then.";
  if (!wasInside) return `${about.username} was not inside then.`;
  const heard =
    hearers && hearers.length > 0 ? `heard by ${hearers.join(", ")}` : "no one within hearing";
  const zone = (name: string | null) => (name === null ? "" : ` in ${name}`);
  const author = by.zone === null ? "" : ` ${by.username} was in ${by.zone}.`;
  return `Then ${about.username} was inside${zone(about.zone)}, ${heard}.${author}`;
}
