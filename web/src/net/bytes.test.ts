import { expect, test } from "vitest";
import { DecodeError, Reader, Writer } from "./bytes";

const read = (writer: Writer) => new Reader(writer.finish());

test.each([0, 250, 251, 65_535, 65_536, 0xffff_ffff, 2 ** 32, Number.MAX_SAFE_INTEGER])(
  "%d is written as it is read",
  (value) => {
    expect(read(new Writer().uint(value)).uint()).toBe(value);
  },
);

test.each([
  [0, 0],
  [1, -1],
  [2, 1],
  [249, -125],
])("the byte %d is the signed %d", (byte, value) => {
  expect(new Reader(Uint8Array.from([byte])).int()).toBe(value);
});

test("text and what may be missing are written as they are read", () => {
  const writer = new Writer().string("ö").option(null, () => {});
  const reader = read(writer.option("a", (value) => writer.string(value)));
  expect([reader.string(), reader.option(() => 1)]).toEqual(["ö", null]);
  expect(reader.option(() => reader.string())).toBe("a");
  reader.end();
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
