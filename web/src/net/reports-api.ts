/** Reports api: the server's HTTP calls about reports, and the parsers of their answers. */

import { ask, type RawSchema, type Schema, tell } from "./http";
import type { ShownMessage } from "./message-list";
import { boolean, list, nullable, number, object, string } from "./parse";

/** A report as those who answer it read it. */
export type Report = Schema<"ReportEntry">;
export type ReportPage = Schema<"ReportList">;
/** A report of this user. */
export type OwnReport = Schema<"OwnReport">;
export type Quote = RawSchema<"QuoteRequest">;
export type ReportState = "open" | "done";

const person = object<Schema<"PersonEntry">>({
  userId: nullable(string),
  username: string,
  role: string,
  zone: nullable(string),
});
const reports = object<ReportPage>({
  reports: list(
    object<Report>({
      id: string,
      spaceId: string,
      spaceName: string,
      kind: string,
      text: string,
      at: number,
      by: person,
      about: person,
      wasInside: nullable(boolean),
      hearers: nullable(list(string)),
      messages: list(
        object<Schema<"QuoteEntry">>({
          id: string,
          text: string,
          at: number,
          stored: boolean,
          later: nullable(string),
        }),
      ),
      state: string,
      answer: string,
      doneBy: string,
      doneAt: nullable(number),
      to: string,
    }),
  ),
  open: number,
  before: nullable(string),
});
const ownReports = object<Schema<"OwnReportList">>({
  reports: list(
    object<OwnReport>({
      id: string,
      spaceName: string,
      about: string,
      kind: string,
      text: string,
      at: number,
      state: string,
      answer: string,
      doneAt: nullable(number),
    }),
  ),
  before: nullable(string),
});
const taken = object<Schema<"ReportTaken">>({ id: string, to: string });

export const reportsApi = {
  /** Reports a person; returns who reads it. */
  report: async (id: string, body: RawSchema<"ReportRequest">) =>
    (await ask("post", "/space/{id}/report", { path: { id }, body }, taken)).to,
  list: (id: string, state: ReportState, before: string) =>
    ask("get", "/space/{id}/report", { path: { id }, query: { state, before } }, reports),
  answer: (id: string, report: string, answer: string) =>
    tell("post", "/space/{id}/report/{report}", { path: { id, report }, body: { answer } }),
  forAdmins: (state: ReportState, before: string) =>
    ask("get", "/admin/report", { query: { state, before } }, reports),
  answerAsAdmin: (report: string, answer: string) =>
    tell("post", "/admin/report/{report}", { path: { report }, body: { answer } }),
  own: (before: string) => ask("get", "/report", { query: { before } }, ownReports),
};

/** A message as a report quotes it: with its proof, if the server sent one. */
export function quoteOf({ id, at, mac, text, signed }: ShownMessage): Quote {
  if (mac.length === 0) return { id };
  const digits = mac.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return { id, text: signed ?? text, at, mac: digits };
}

/** Whether a report can quote the message: the server has said it, and what it said is known. */
export function canQuote({ isWaiting, refused, deleted, mac, signed }: ShownMessage): boolean {
  return !isWaiting && refused === null && (!deleted || (mac.length > 0 && !!signed));
}
