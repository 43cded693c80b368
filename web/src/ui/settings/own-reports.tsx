/** Own reports: what this person reported, and what was answered. */

import { useEffect, useState } from "preact/hooks";
import { type OwnReport, reportsApi } from "../../net/reports-api";
import { labelOfKind } from "../../world/reports";
import { useAttempt } from "../attempt";
import { ErrorNote, Spinner } from "../controls";
import { stamp } from "../times";

export function OwnReportsTab() {
  const [reports, setReports] = useState<OwnReport[]>([]);
  const [before, setBefore] = useState<string | null>("");
  const { error, isBusy, run } = useAttempt();
  const more = () =>
    run(async () => {
      const page = await reportsApi.own(before ?? "");
      setReports([...reports, ...page.reports]);
      setBefore(page.before);
    });
  useEffect(() => void more(), []);
  return (
    <div class="section">
      {error && <ErrorNote>{error}</ErrorNote>}
      <OwnReportList reports={reports} isWhole={before === null} />
      {isBusy && <Spinner label="Looking" />}
      {before !== null && before !== "" && !isBusy && (
        <button type="button" class="button" onClick={more}>
          Show earlier
        </button>
      )}
    </div>
  );
}

export function OwnReportList({ reports, isWhole }: { reports: OwnReport[]; isWhole: boolean }) {
  if (reports.length === 0)
    return isWhole ? (
      <p class="muted">You reported no one. A person’s card and their messages have “Report…”.</p>
    ) : null;
  return (
    <ul class="entries" aria-label="Your reports">
      {reports.map((report) => (
        <li key={report.id}>
          <span class="grow">
            {report.about}: {labelOfKind(report.kind)}
            <br />
            <span class="muted small">
              {stamp(report.at)} · in {report.spaceName}
            </span>
            {report.state === "done" && (
              <>
                <br />
                <span dir="auto">{report.answer || "It was looked into."}</span>
              </>
            )}
          </span>
          <span class="tag">{report.state === "done" ? "Answered" : "Open"}</span>
        </li>
      ))}
    </ul>
  );
}
