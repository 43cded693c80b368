import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DecodeError } from "./bytes";
import { type ClientMessage, decode, encode, type ServerMessage } from "./codec.gen";

interface Vector<T> {
  name: string;
  hex: string;
  value: T;
}

const golden: { client: Vector<ClientMessage>[]; server: Vector<ServerMessage>[] } = JSON.parse(
  readFileSync(new URL("../../../tests/golden/protocol.json", import.meta.url), "utf8"),
);
const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

describe("the golden vectors", () => {
  test.each(golden.client)("$name is written as the server reads it", ({ hex, value }) => {
    expect(Buffer.from(encode(value)).toString("hex")).toBe(hex);
  });

  test.each(golden.server)("$name is read as the server writes it", ({ hex, value }) => {
    expect(decode(bytesOf(hex))).toEqual(value);
  });

  test.each(golden.server)("$name cut short or with a byte behind is refused", ({ hex }) => {
    const bytes = bytesOf(hex);
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decode(bytes.subarray(0, length))).toThrow(DecodeError);
    }
    expect(() => decode(Uint8Array.from([...bytes, 0]))).toThrow(DecodeError);
  });
});
