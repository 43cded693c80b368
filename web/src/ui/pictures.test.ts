import { describe, expect, it } from "vitest";
import { droppedPictures, fitted, pastedPictures, sizeOf } from "./pictures";

const file = (type: string) => ({ name: "a", type }) as File;
const clipboard = (text: string, ...files: File[]) =>
  ({
    getData: (kind: string) => (kind === "text/plain" ? text : ""),
    files,
  }) as unknown as DataTransfer;

describe("what is pasted", () => {
  it("is text when there is text, also when a picture comes along", () => {
    expect(pastedPictures(clipboard("Mon\t3\nTue\t5", file("image/png")))).toEqual([]);
  });
  it("is a picture when there is nothing else", () => {
    const picture = file("image/png");
    expect(pastedPictures(clipboard("", file("application/pdf"), picture))).toEqual([picture]);
    expect(pastedPictures(clipboard(" \n", picture))).toEqual([picture]);
    expect(pastedPictures(null)).toEqual([]);
  });
});

describe("what is dropped", () => {
  it("is every picture of it", () => {
    const pictures = [file("image/png"), file("image/jpeg")];
    expect(
      droppedPictures(clipboard("https://example.org/a.png", ...pictures, file("text/plain"))),
    ).toEqual(pictures);
  });
});

describe("the size of a picture", () => {
  it("stays when the server takes it", () => {
    expect(fitted(3840, 2160)).toEqual({ width: 3840, height: 2160 });
    expect(fitted(2160, 3840)).toEqual({ width: 2160, height: 3840 });
    expect(fitted(1, 1)).toEqual({ width: 1, height: 1 });
  });
  it("keeps its shape when it is made smaller", () => {
    expect(fitted(7680, 4320)).toEqual({ width: 3840, height: 2160 });
    expect(fitted(3024, 4032)).toEqual({ width: 2160, height: 2880 });
    expect(fitted(10_000, 10)).toEqual({ width: 3840, height: 3 });
    expect(fitted(2160, 2160, 0.5)).toEqual({ width: 1080, height: 1080 });
  });
  it("is told in words", () => {
    expect(sizeOf(10)).toBe("1 KB");
    expect(sizeOf(700_000)).toBe("684 KB");
    expect(sizeOf(64 * 1024 * 1024)).toBe("64.0 MB");
  });
});
