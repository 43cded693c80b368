import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeEach, expect, test, vi } from "vitest";
import type { Schema } from "./http";
import { number, object, string } from "./parse";

const run = promisify(execFile);
const generate = fileURLToPath(new URL("../../generate", import.meta.url));
const fetched = vi.fn<typeof fetch>();
const kept = new Map<string, string>();
vi.stubGlobal("fetch", fetched);
vi.stubGlobal("localStorage", {
  getItem: (name: string) => kept.get(name) ?? null,
  setItem: (name: string, value: string) => kept.set(name, value),
  removeItem: (name: string) => kept.delete(name),
});
const { ApiError, ask, currentToken, keepToken, tell, whenSignedOut } = await import("./http");

beforeEach(() => {
  fetched.mockReset();
  keepToken(null);
});

test("the types of the interface are fresh: `npm run generate` generates them", async () => {
  await expect(
    run("npm", ["run", "--silent", "generate", "--", "--check"], { cwd: generate }),
  ).resolves.toBeDefined();
});

test("what the description does not have does not compile", () => {
  const token = object<Schema<"TokenAnswer">>({ token: string });
  // @ts-expect-error: a field that is not there
  object<Schema<"TokenAnswer">>({ token: string, user: string });
  // @ts-expect-error: a field of another type
  object<Schema<"TokenAnswer">>({ token: number });
  // @ts-expect-error: a field that may be left out
  object<Pick<Schema<"DirectView">, "before">>({ before: string });
  // @ts-expect-error: an address that is not there
  const address = () => ask("get", "/signin", {}, token);
  // @ts-expect-error: a body without the password
  const body = () => tell("post", "/signin", { body: { username: "ada" } });
  // @ts-expect-error: another word of the query
  const query = () => tell("post", "/upload", { query: { sort: "chat" }, body: new FormData() });
  // @ts-expect-error: a parser of something else
  const answer = () => ask("get", "/setup", {}, token);
  expect([address, body, query, answer]).toHaveLength(4);
});

test("fills in the names of the path and leaves out what is empty in the query", async () => {
  fetched.mockImplementation(async () => new Response(""));
  keepToken("secret");
  await tell("get", "/space/{id}/chat", {
    path: { id: "a/b" },
    query: { q: "tea & cake", before: "" },
  });
  await tell("patch", "/space/{id}/chat/{line}", {
    path: { id: "a", line: "?" },
    body: { message: "hi" },
  });
  const headers = { authorization: "Bearer secret" };
  expect(fetched.mock.calls).toEqual([
    ["/api/v1/space/a%2Fb/chat?q=tea+%26+cake", { method: "GET", headers }],
    [
      "/api/v1/space/a/chat/%3F",
      {
        method: "PATCH",
        headers: { ...headers, "content-type": "application/json" },
        body: '{"message":"hi"}',
      },
    ],
  ]);
});

test("says what the server says, and forgets a token that it no longer knows", async () => {
  const signedOut = vi.fn();
  whenSignedOut(signedOut);
  keepToken("old");
  fetched.mockResolvedValueOnce(Response.json({ message: "Slower, please." }, { status: 429 }));
  await expect(tell("post", "/signout", {})).rejects.toEqual(new ApiError(429, "Slower, please."));
  expect(currentToken()).toBe("old");
  fetched.mockResolvedValueOnce(new Response("gone", { status: 401 }));
  await expect(tell("post", "/signout", {})).rejects.toEqual(
    new ApiError(401, "The server answered 401. Try again."),
  );
  expect(currentToken()).toBeNull();
  expect(signedOut).toHaveBeenCalledOnce();
  fetched.mockRejectedValueOnce(new TypeError("offline"));
  await expect(tell("post", "/signout", {})).rejects.toMatchObject({ status: 0 });
});

test("an answer is parsed", async () => {
  const setup = object<Schema<"SetupState">>({
    needed: (value) => value === true,
    good: () => null,
  });
  fetched.mockResolvedValueOnce(Response.json({ needed: true, more: 1 }));
  await expect(ask("get", "/setup", {}, setup)).resolves.toEqual({ needed: true, good: null });
});
