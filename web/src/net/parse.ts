/** Parse: wire data becomes typed by looking at it, not by believing it. */

export class ParseError extends Error {}

export type Parser<T> = (value: unknown, at?: string) => T;

function fail(at: string, wanted: string): never {
  throw new ParseError(`the server's answer is not understood: ${at || "it"} is not ${wanted}`);
}

export const string: Parser<string> = (value, at = "") => (typeof value === "string" ? value : fail(at, "text"));

export const number: Parser<number> = (value, at = "") => (typeof value === "number" ? value : fail(at, "a number"));

export const boolean: Parser<boolean> = (value, at = "") =>
  typeof value === "boolean" ? value : fail(at, "true or false");

export function nullable<T>(parser: Parser<T>): Parser<T | null> {
  return (value, at = "") => (value === null || value === undefined ? null : parser(value, at));
}

export function withDefault<T>(parser: Parser<T>, fallback: T): Parser<T> {
  return (value, at = "") => (value === null || value === undefined ? fallback : parser(value, at));
}

export function list<T>(parser: Parser<T>): Parser<T[]> {
  return (value, at = "") =>
    Array.isArray(value) ? value.map((item, index) => parser(item, `${at}[${index}]`)) : fail(at, "a list");
}

export function object<T extends object>(fields: { [K in keyof T]: Parser<T[K]> }): Parser<T> {
  return (value, at = "") => {
    if (typeof value !== "object" || value === null) return fail(at, "an object");
    const source = value as Record<string, unknown>;
    const entries = Object.entries<Parser<unknown>>(fields);
    return Object.fromEntries(entries.map(([key, parser]) => [key, parser(source[key], `${at}.${key}`)])) as T;
  };
}
