/** Statuses: whether a person wants to be talked to; names, looks and numbers in one table. */

/** Numbers of statuses, as the server counts them. */
export const STATUS = { available: 0, busy: 1, away: 2, doNotDisturb: 3, quiet: 4 } as const;

export interface Status {
  name: string;
  /** The class in the style. */
  style: string;
  /** The colour of its mark at names over heads; `null` where there is none. */
  colour: string | null;
  /** The form of the mark, so that colours need not be told apart. */
  form: "disc" | "ring" | "bar" | "dotted ring";
}

/** In the order of their numbers. */
export const STATUSES: readonly Status[] = [
  { name: "Available", style: "available", colour: null, form: "disc" },
  { name: "Busy", style: "busy", colour: "#f2bd5c", form: "disc" },
  { name: "Away", style: "away", colour: "#d8ccd6", form: "ring" },
  { name: "Do not disturb", style: "do-not-disturb", colour: "#e0605a", form: "bar" },
  {
    name: "Quiet: only right beside me",
    style: "quiet",
    colour: "#8fd19e",
    form: "dotted ring",
  },
];
