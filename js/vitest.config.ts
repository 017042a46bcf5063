import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "jsdom",
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    // Some tests look at every element of the page; on a machine that does other things as well that takes a while.
    testTimeout: 30_000,
  },
});
