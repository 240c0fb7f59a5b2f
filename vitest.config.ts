import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["node_modules/**", "dist/**", ".fieldwatt/**"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A state is waited for: on a busy machine a thread or a process takes seconds to come up.
    expect: { poll: { timeout: 15_000 } },
    reporters: ["default"],
  },
});
