import { transform } from "esbuild";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [
    {
      // Vitest's own transform does not compile standard decorators, and Node does not run them yet.
      name: "lower-standard-decorators",
      enforce: "pre",
      async transform(code, id) {
        if (!id.endsWith(".ts") || !/^\s*@\w+/m.test(code)) return null;
        return transform(code, { loader: "ts", target: "es2024", sourcefile: id, sourcemap: true });
      },
    },
  ],
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "packages/*/test/**/*.test.ts",
      "bench/**/*.test.ts",
      "examples/**/*.test.ts",
      "scripts/**/*.test.ts",
      "site/**/*.test.ts",
    ],
    typecheck: { enabled: false },
    // They only guard against hanging: tests of several processes take long on a busy machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
