import { expect, test } from "vitest";
import { list, nullable, number, object, ParseError, string } from "./parse";

const person = object<{ name: string; age: number | null }>({
  name: string,
  age: nullable(number),
});

test("keeps what fits and drops what it does not know", () => {
  expect(person({ name: "Ada", age: 36, admin: true })).toEqual({ name: "Ada", age: 36 });
  expect(person({ name: "Ada" })).toEqual({ name: "Ada", age: null });
});

test.each([[null], [5], [[]], [{}], [{ name: 5 }], [{ name: "Ada", age: "36" }]])(
  "refuses %j",
  (value) => {
    expect(() => person(value)).toThrow(ParseError);
  },
);

test("says where it is wrong", () => {
  expect(() => list(person)([{ name: "Ada" }, { name: 7 }])).toThrow("[1].name");
});
