import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["node_modules/**", "dist/**", ".fieldwatt/**"],
    pool: "forks",
    maxWorkers: 2,
    // V8 of Node 24 aborts now and then where it lets go of a compiled call out of WebAssembly ("jit_page.has_value()"),
    // which is what PGlite is made of: such calls stay as they are.
    execArgv: ["--wasm-wrapper-tiering-budget=2147483647"],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    // A state is waited for: on a busy machine a thread or a process takes seconds to come up.
    expect: { poll: { timeout: 15_000 } },
    reporters: ["default"],
  },
});
