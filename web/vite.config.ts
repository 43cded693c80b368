import preact from "@preact/preset-vite";
import { defineConfig } from "vitest/config";

/** Where `npm run dev` finds a running server. */
const server = process.env.PLAZA_URL ?? "http://127.0.0.1:8080";

export default defineConfig({
  plugins: [preact()],
  // A proxy may show all of this below a path: every address is relative to the page.
  base: "./",
  build: { target: "es2022", chunkSizeWarningLimit: 1200 },
  server: {
    proxy: {
      "/api": server,
      "/art/elements": server,
      "/art/avatars": server,
      "/files": server,
      "/ws": { target: server, ws: true },
    },
  },
  // Tests take as long as the machine lets them; the limit is there for those that hang.
  test: { include: ["src/**/*.test.{ts,tsx}"], testTimeout: 120_000 },
});
