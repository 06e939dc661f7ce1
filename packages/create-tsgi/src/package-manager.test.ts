import { expect, test } from "vitest";
import { detectPackageManager } from "./package-manager.ts";

test.each([
  ["npm/11.6.2 node/v24.11.0 linux x64 workspaces/false", "npm"],
  ["pnpm/10.22.0 npm/? node/v24.11.0 linux x64", "pnpm"],
  ["yarn/4.11.0 npm/? node/v24.11.0 linux x64", "yarn"],
  ["bun/1.3.2 npm/? node/v24.3.0 linux x64", "bun"],
  ["cnpm/9.4.0", "npm"],
  [undefined, "npm"],
])("the user agent %j is of %s", (userAgent, packageManager) => {
  expect(detectPackageManager(userAgent)).toBe(packageManager);
});
