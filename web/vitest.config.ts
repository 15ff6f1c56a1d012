import { defineConfig } from "vitest/config";

// Pure logic only: no browser is imitated. What needs one runs in a real one
// (test/screens.mjs, and the journeys under test/ of the repository).
export default defineConfig({
  test: { include: ["src/**/*.test.ts"], environment: "node", restoreMocks: true },
});
