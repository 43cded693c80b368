import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

async function at(baseURI: string) {
  vi.stubGlobal("document", { baseURI });
  return import("./base");
}

test("below a path everything of ours is below it, and what is elsewhere stays there", async () => {
  const { here, ours, whole } = await at("https://example.org/tools/plaza/");
  expect(here("/s/1")).toBe("/tools/plaza/s/1");
  expect(here("https://pictures.example/a.png")).toBe("https://pictures.example/a.png");
  expect(here("//pictures.example/a.png")).toBe("//pictures.example/a.png");
  expect(ours("/tools/plaza/s/1")).toBe("/s/1");
  expect(ours("/tools/plaza")).toBe("/");
  expect(ours("/tools/other")).toBeUndefined();
  expect(whole("/ws").href).toBe("https://example.org/tools/plaza/ws");
});

test("at the root paths are what they are", async () => {
  const { here, ours, whole } = await at("http://127.0.0.1:8080/");
  expect(here("/s/1")).toBe("/s/1");
  expect(ours("/s/1")).toBe("/s/1");
  expect(whole("/ws").href).toBe("http://127.0.0.1:8080/ws");
});
