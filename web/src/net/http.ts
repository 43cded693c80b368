/**
 * Http: calls of the server's HTTP interface. Paths, parameters, bodies and answers are those of
 * `docs/openapi.json`, from which `http.gen.ts` is generated: what is no longer there does not
 * compile.
 */

import { here } from "./base";
import type { components, paths } from "./http.gen";
import type { Parser, Told } from "./parse";

/**
 * The server said no; `message` is for the person. `code` is a word for why the caller may not
 * enter a space, or not write there.
 */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code: string | undefined = undefined,
  ) {
    super(message);
  }
}

/** A type of the description: as it is sent, and as it is after parsing. */
export type RawSchema<Name extends keyof components["schemas"]> = components["schemas"][Name];
export type Schema<Name extends keyof components["schemas"]> = Told<RawSchema<Name>>;

type Routes = {
  [Path in keyof paths as Path extends `/api/v1${infer Rest}` ? Rest : never]: paths[Path];
};
type Method = "get" | "post" | "put" | "patch" | "delete";
type Path<M extends Method> = {
  [P in keyof Routes]: Routes[P] extends Record<M, object> ? P : never;
}[keyof Routes];
type Operation<M extends Method, P extends Path<M>> = Routes[P][M];

/** What a call takes: names in its path, its query and its body, as far as it has them. */
type Asked<O> = (O extends { parameters: infer All }
  ? Pick<All, keyof All & ("path" | "query")>
  : None) &
  RequestBody<O>;
type RequestBody<O> = O extends { requestBody: { content: infer Content } }
  ? { body: Content extends { "application/json": infer Json } ? Json : FormData }
  : None;
type None = Record<never, never>;
type Answer<O> = O extends { responses: { 200: { content: { "application/json": infer Json } } } }
  ? Told<Json>
  : never;

let bearer: string | null = localStorage.getItem("plaza.token");
let onSignedOut: () => void = () => {};

/** The sign-in token, kept across visits. */
export function currentToken(): string | null {
  return bearer;
}

export function keepToken(value: string | null): void {
  bearer = value;
  if (value === null) localStorage.removeItem("plaza.token");
  else localStorage.setItem("plaza.token", value);
}

/** Called when the server no longer knows the token. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

/** Calls, and reads the answer. */
export async function ask<M extends Method, P extends Path<M>>(
  method: M,
  path: P,
  asked: Asked<Operation<M, P>>,
  parser: Parser<Answer<Operation<M, P>>>,
): Promise<Answer<Operation<M, P>>> {
  return parser(await (await request(method, path, asked)).json());
}

/** Calls for what it does; the answer says nothing more. */
export async function tell<M extends Method, P extends Path<M>>(
  method: M,
  path: P,
  asked: Asked<Operation<M, P>>,
): Promise<void> {
  await (await request(method, path, asked)).text();
}

/** Calls, and takes the answer as a file. */
export async function download<M extends Method, P extends Path<M>>(
  method: M,
  path: P,
  asked: Asked<Operation<M, P>>,
): Promise<Blob> {
  return (await request(method, path, asked)).blob();
}

async function request<M extends Method, P extends Path<M>>(
  method: M,
  path: P,
  asked: Asked<Operation<M, P>>,
): Promise<Response>;
async function request(
  method: Method,
  path: string,
  asked: { path?: Record<string, string>; query?: Record<string, string>; body?: object },
): Promise<Response> {
  const { body } = asked;
  const headers: Record<string, string> = {};
  if (bearer !== null) headers.authorization = `Bearer ${bearer}`;
  const isForm = body instanceof FormData;
  if (body && !isForm) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(addressOf(path, asked.path, asked.query), {
      method: method.toUpperCase(),
      headers,
      ...(body && { body: isForm ? body : JSON.stringify(body) }),
    });
  } catch {
    throw new ApiError(0, "The server cannot be reached. Check your connection and try again.");
  }
  if (!response.ok) {
    const problem: unknown = await response.json().catch(() => null);
    if (response.status === 401 && bearer !== null) {
      keepToken(null);
      onSignedOut();
    }
    throw new ApiError(
      response.status,
      textOf(problem, "message") ?? `The server answered ${response.status}. Try again.`,
      textOf(problem, "code"),
    );
  }
  return response;
}

/** The path with its names filled in; what is empty in the query is left out. */
function addressOf(
  path: string,
  names: Record<string, string> = {},
  query: Record<string, string> = {},
): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(names[name] ?? ""),
  );
  const given = Object.entries(query).filter(([, value]) => value !== "");
  return `${here("/api/v1")}${filled}${given.length === 0 ? "" : `?${new URLSearchParams(given)}`}`;
}

/** A text of a problem document. */
function textOf(problem: unknown, field: "message" | "code"): string | undefined {
  if (typeof problem !== "object" || problem === null) return undefined;
  const text: unknown = Reflect.get(problem, field);
  return typeof text === "string" ? text : undefined;
}
