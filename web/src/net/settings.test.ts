import { beforeEach, expect, test, vi } from "vitest";

const server = vi.hoisted(() => ({
  settings: { rangeTiles: 5, maxAudio: 16, maxVideo: 9, wallsBlock: null, mayChange: true },
  asked: 0,
  isDown: false,
}));
vi.mock("./api", () => ({
  api: {
    spaceSettings: async () => {
      server.asked++;
      if (server.isDown) throw new Error("The server cannot be reached.");
      return server.settings;
    },
    changeSpaceSettings: async (_id: string, request: object) => ({
      ...server.settings,
      ...request,
    }),
  },
}));
const { Settings } = await import("./settings");

beforeEach(() => Object.assign(server, { asked: 0, isDown: false }));

test("settings are fetched with each connection, and after a notice of a change", async () => {
  const settings = new Settings("park");
  settings.begin();
  await vi.waitFor(() => expect(settings.current.value?.rangeTiles).toBe(5));
  settings.hear("slow-mode");
  expect(server.asked).toBe(1);
  settings.hear("voices");
  expect(server.asked).toBe(2);
});

test("a change shows at once", async () => {
  const settings = new Settings("park");
  await settings.change({ maxVideo: 0 });
  expect(settings.current.value).toMatchObject({ rangeTiles: 5, maxVideo: 0 });
});

test("without an answer the next connection asks again", async () => {
  server.isDown = true;
  const settings = new Settings("park");
  settings.begin();
  await vi.waitFor(() => expect(server.asked).toBe(1));
  server.isDown = false;
  await vi.waitFor(() => {
    settings.begin();
    expect(server.asked).toBe(2);
  });
  await vi.waitFor(() => expect(settings.current.value).not.toBeNull());
});
