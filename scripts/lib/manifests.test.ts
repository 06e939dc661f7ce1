import { expect, test } from "vitest";

import { manifestProblems } from "./manifests.ts";
import type { Manifest } from "./manifests.ts";

const entry = { types: "./dist/a.d.ts", default: "./dist/a.js" };
const server: Manifest = {
  name: "@tsgi/server",
  description: "A server.",
  keywords: [],
  homepage: "https://example.com/",
  license: "MIT",
  repository: { url: "git+https://github.com/tsgi/tsgi.git", directory: "packages/server" },
  files: ["dist"],
  bin: { tsgi: "./src/cli.ts" },
  engines: { node: ">=22.13" },
  dependencies: { "@tsgi/gateway-spec": "workspace:^", ws: "catalog:" },
  exports: { "./a": "./src/a.ts" },
  publishConfig: { exports: { "./a": entry }, bin: { tsgi: "./dist/cli.js" }, access: "public", provenance: true },
};

test.each<[string, Manifest, RegExp | null]>([
  ["a correct manifest has no problem", server, null],
  [
    "server must not depend on framework",
    { ...server, dependencies: { "@tsgi/framework": "*" } },
    /must not depend on @tsgi\/framework/,
  ],
  [
    "server must not depend on framework as a peer",
    { ...server, peerDependencies: { "@tsgi/framework": "*" } },
    /must not depend on/,
  ],
  [
    "framework must not depend on server",
    { ...server, name: "@tsgi/framework", dependencies: { "@tsgi/server": "*" } },
    /must not/,
  ],
  ["no package may depend on stock-app", { ...server, dependencies: { "@tsgi/stock-app": "*" } }, /must not depend on/],
  [
    "gateway-spec must have no dependency",
    { ...server, name: "@tsgi/gateway-spec", dependencies: { ws: "*" } },
    /nothing at all/,
  ],
  ["a new package needs a row in the table", { ...server, name: "@tsgi/new" }, /no row/],
  ["an entry must be published", { ...server, publishConfig: {} }, /disagree about ".\/a"/],
  ["a published entry must have a source", { ...server, exports: {} }, /disagree about ".\/a"/],
  [
    "a published entry must be the build of its source",
    { ...server, publishConfig: { exports: { "./a": { ...entry, types: "./dist/b.d.ts" } } } },
    /disagree about ".\/a"/,
  ],
  ["a published package has a description", { ...server, description: undefined as never }, /has no description/],
  [
    "a published package is public",
    { ...server, publishConfig: { ...server.publishConfig, access: "restricted" } },
    /"public"/,
  ],
  [
    "a published package names its folder in the repository",
    { ...server, repository: { url: "git+https://github.com/tsgi/tsgi.git", directory: "packages/framework" } },
    /directory packages\/server/,
  ],
  [
    "a published command is the build of its source",
    { ...server, bin: { tsgi: "./src/main.ts" } },
    /disagree about "tsgi"/,
  ],
])("%s", (_name, manifest, problem) => {
  const problems = manifestProblems(manifest);
  if (problem === null) expect(problems).toEqual([]);
  else expect(problems.join("\n")).toMatch(problem);
});
