/** Own reports: what this person reported, and what was answered. */

import { type OwnReport, reportsApi } from "../../net/reports-api";
import { labelOfKind } from "../../world/reports";
import { stamp } from "../times";
import { Pages } from "./pages";

export function OwnReportsTab() {
  return (
    <Pages
      load={async (before) => {
        const page = await reportsApi.own(before);
        return { entries: page.reports, before: page.before };
      }}
      draw={(reports, isWhole) => <OwnReportList reports={reports} isWhole={isWhole} />}
    />
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
