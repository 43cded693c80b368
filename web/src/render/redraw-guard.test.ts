import { expect, test } from "vitest";
import { RedrawGuard } from "./redraw-guard";

/** Which of several frames, given by their numbers, are drawn. */
function drawn(...pictures: number[][]): boolean[] {
  const guard = new RedrawGuard();
  return pictures.map((numbers) => {
    guard.note(...numbers);
    return guard.take();
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
  const guard = new RedrawGuard();
  guard.note(1);
  guard.take();
  guard.forget();
  guard.note(1);
  expect(guard.take()).toBe(true);
});
