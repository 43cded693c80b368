/** Parse: checks wire data and gives it a type. */

export class ParseError extends Error {}

/** `in out`: a parser of text must not stand in for a parser of optional text. */
export type Parser<in out T> = (value: unknown, at?: string) => T;

/**
 * A type of the wire after parsing: optional fields are present, and `null` when they were left
 * out.
 */
export type Told<T> = T extends (infer Item)[]
  ? Told<Item>[]
  : T extends object
    ? {
        [K in keyof T]-?:
          | Told<Exclude<T[K], undefined>>
          | (object extends Pick<T, K> ? null : never);
      }
    : T;

function fail(at: string, wanted: string): never {
  throw new ParseError(`the server's answer is not understood: ${at || "it"} is not ${wanted}`);
}

export const string: Parser<string> = (value, at = "") =>
  typeof value === "string" ? value : fail(at, "text");

export const number: Parser<number> = (value, at = "") =>
  typeof value === "number" ? value : fail(at, "a number");

export const boolean: Parser<boolean> = (value, at = "") =>
  typeof value === "boolean" ? value : fail(at, "true or false");

/** One of these words. */
export function word<T extends string>(...words: T[]): Parser<T> {
  return (value, at = "") => words.find((one) => one === value) ?? fail(at, words.join(" or "));
}

export function nullable<T>(parser: Parser<T>): Parser<T | null> {
  return (value, at = "") => (value === null || value === undefined ? null : parser(value, at));
}

export function list<T>(parser: Parser<T>): Parser<T[]> {
  return (value, at = "") =>
    Array.isArray(value)
      ? value.map((item, index) => parser(item, `${at}[${index}]`))
      : fail(at, "a list");
}

export function object<T extends object>(fields: { [K in keyof T]: Parser<T[K]> }): Parser<T> {
  return (value, at = "") => {
    if (typeof value !== "object" || value === null) return fail(at, "an object");
    const source = value as Record<string, unknown>;
    const entries = Object.entries<(value: unknown, at: string) => unknown>(fields);
    return Object.fromEntries(
      entries.map(([key, parser]) => [key, parser(source[key], `${at}.${key}`)]),
    ) as T;
  };
}
