/** Reports: what a person can report another one for, and in which words. */

/** The kinds as the server names them, in the order in which they are offered. */
export const REPORT_KINDS = [
  { kind: "harassment", label: "Insults, threats, or not leaving someone alone" },
  { kind: "hate", label: "Hate against a group of people" },
  { kind: "sexual", label: "Sexual words or pictures" },
  { kind: "spam", label: "Advertising, fraud, or the same again and again" },
  { kind: "impersonation", label: "Posing as someone else" },
  { kind: "danger", label: "Someone may come to harm" },
  { kind: "other", label: "Something else" },
] as const;

export type ReportKind = (typeof REPORT_KINDS)[number]["kind"];

/** Characters of a report, and of an answer. */
export const REPORT_CHARS = 1000;

/** Messages that a report quotes. */
export const MOST_QUOTES = 20;

/** What a kind means; one of a later version has its own word. */
export function labelOfKind(kind: string): string {
  return REPORT_KINDS.find((one) => one.kind === kind)?.label ?? kind;
}

/** Who reads a report, in a sentence for its author. */
export function whatHappensNext(to: string): string {
  const readers =
    to === "admins"
      ? "The admins of this server read it."
      : "The moderators of this space who are above them read it.";
  return (
    `${readers} You are told when it is answered, and find the answer under “Your reports” in ` +
    "the space settings. The person is told nothing."
  );
}
