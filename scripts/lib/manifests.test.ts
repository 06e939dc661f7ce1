import { expect, test } from "vitest";

import { manifestProblems } from "./manifests.ts";
import type { Manifest } from "./manifests.ts";

const entry = { types: "./dist/a.d.ts", default: "./dist/a.js" };
const server: Manifest = {
  name: "@tsgi/server",
  dependencies: { "@tsgi/gateway-spec": "workspace:^", ws: "catalog:" },
  exports: { "./a": "./src/a.ts" },
  publishConfig: { exports: { "./a": entry } },
};

test.each<[string, Manifest, RegExp | null]>([
  ["all is well", server, null],
  [
    "server → framework",
    { ...server, dependencies: { "@tsgi/framework": "*" } },
    /must not depend on @tsgi\/framework/,
  ],
  ["server → framework as a peer", { ...server, peerDependencies: { "@tsgi/framework": "*" } }, /must not depend on/],
  ["framework → server", { ...server, name: "@tsgi/framework", dependencies: { "@tsgi/server": "*" } }, /must not/],
  ["anything → stock-app", { ...server, dependencies: { "@tsgi/stock-app": "*" } }, /must not depend on/],
  ["gateway-spec → anything", { ...server, name: "@tsgi/gateway-spec", dependencies: { ws: "*" } }, /nothing at all/],
  ["a package that is new", { ...server, name: "@tsgi/new" }, /no row/],
  ["an entry that is not published", { ...server, publishConfig: {} }, /disagree about ".\/a"/],
  ["an entry that only is published", { ...server, exports: {} }, /disagree about ".\/a"/],
  [
    "an entry that is published as another file",
    { ...server, publishConfig: { exports: { "./a": { ...entry, types: "./dist/b.d.ts" } } } },
    /disagree about ".\/a"/,
  ],
])("%s", (_name, manifest, problem) => {
  const problems = manifestProblems(manifest);
  if (problem === null) expect(problems).toEqual([]);
  else expect(problems.join("\n")).toMatch(problem);
});
