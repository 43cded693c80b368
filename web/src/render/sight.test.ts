import { expect, test } from "vitest";
import { Sight } from "./sight";

/** Which of several pictures, given by their numbers, are drawn. */
function drawn(...pictures: number[][]): boolean[] {
  const sight = new Sight();
  return pictures.map((numbers) => {
    sight.note(...numbers);
    return sight.take();
  });
}

test("the first picture is drawn, and then only those that differ", () => {
  expect(drawn([1, 2], [1, 2], [1, 3], [1, 3])).toEqual([true, false, true, false]);
});

test("a picture of more or fewer things differs", () => {
  expect(drawn([1, 2], [1], [1], [1, 2], [1, 2], [])).toEqual([
    true,
    true,
    false,
    true,
    false,
    true,
  ]);
});

test("a picture that is gone is drawn again", () => {
  const sight = new Sight();
  sight.note(1);
  sight.take();
  sight.forget();
  sight.note(1);
  expect(sight.take()).toBe(true);
});
