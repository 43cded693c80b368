import { expect, test } from "vitest";
import { DecodeError, Reader, Writer } from "./bytes";

const read = (writer: Writer) => new Reader(writer.finish());

test.each([0, 250, 251, 65_535, 65_536, 0xffff_ffff, 2 ** 32, Number.MAX_SAFE_INTEGER])(
  "%d is written as it is read",
  (value) => {
    expect(read(new Writer().uint(value)).uint()).toBe(value);
  },
);

test.each([0, 1, -1, 125, -126, 70_000, 2 ** 31 - 1, -(2 ** 31)])(
  "the signed %d is written as it is read",
  (value) => {
    expect(read(new Writer().int(value)).int()).toBe(value);
  },
);

test("lists, maps, fixed bytes and small numbers are written as they are read", () => {
  const writer = new Writer();
  writer.list(["a", "ö"], (item) => writer.string(item));
  writer.map(
    new Map([[300, true]]),
    (key) => writer.uint(key),
    (value) => writer.bool(value),
  );
  writer
    .bytes(Uint8Array.from([1, 2, 3]))
    .i8(-3)
    .f32(0.5)
    .option(null, () => {});
  const reader = read(writer);
  expect(reader.list(() => reader.string())).toEqual(["a", "ö"]);
  expect(
    reader.map(
      () => reader.uint(),
      () => reader.bool(),
    ),
  ).toEqual(new Map([[300, true]]));
  expect(reader.bytes(3)).toEqual(Uint8Array.from([1, 2, 3]));
  expect([reader.i8(), reader.f32(), reader.option(() => 1)]).toEqual([-3, 0.5, null]);
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
