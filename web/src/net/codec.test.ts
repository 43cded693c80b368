import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DecodeError, Reader } from "./bytes";
import { type ClientMessage, decode, encode, SCHEMA } from "./codec";

interface Vector {
  name: string;
  hex: string;
  value: Record<string, unknown> | null;
}

const golden: { schema: number; client: Vector[]; server: Vector[] } = JSON.parse(
  readFileSync(new URL("../../../tests/golden/protocol.json", import.meta.url), "utf8"),
);
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe("the golden vectors", () => {
  test("the schema is the server's", () => {
    expect(SCHEMA).toBe(golden.schema);
  });

  test.each(golden.client)("$name is written as the server reads it", ({ name, hex, value }) => {
    const message = { type: name, ...value } as ClientMessage;
    expect(Buffer.from(encode(message)).toString("hex")).toBe(hex);
  });

  test.each(golden.server)("$name is read as the server writes it", ({ name, hex, value }) => {
    expect(decode(bytesOf(hex))).toEqual({ type: name, ...value });
  });

  test.each(golden.server)("$name cut short or with a byte behind is refused", ({ hex }) => {
    const bytes = bytesOf(hex);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(bytes.subarray(0, length))).toThrow(DecodeError);
    }
    expect(() => decode(Uint8Array.from([...bytes, 0]))).toThrow(DecodeError);
  });
});

test("an integer past 2^53 fails instead of losing digits", () => {
  const largest = new Reader(Uint8Array.from([253, 255, 255, 255, 255, 255, 255, 31, 0]));
  expect(largest.uint()).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => new Reader(Uint8Array.from([253, 0, 0, 0, 0, 0, 0, 32, 0])).uint()).toThrow(
    DecodeError,
  );
});

test("text that is not UTF-8 is refused", () => {
  expect(() => new Reader(Uint8Array.from([2, 0xc3, 0x28])).string()).toThrow(DecodeError);
});
