/** Checks the packages' manifests: the direction of dependencies, and equal entries for the workspace and the packed package. */

export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly publishConfig?: {
    readonly exports?: Readonly<Record<string, { types: string; default: string }>>;
    readonly bin?: Readonly<Record<string, string>>;
    readonly access?: string;
    readonly provenance?: boolean;
  };
  readonly description?: string;
  readonly keywords?: readonly string[];
  readonly homepage?: string;
  readonly license?: string;
  readonly repository?: { readonly url: string; readonly directory: string };
  readonly files?: readonly string[];
  readonly engines?: { readonly node: string };
}

/** npm compares it with the repository that publishes, for the provenance of a package. */
const REPOSITORY = "git+https://github.com/tsgi/tsgi.git";

/** The packages of this repository that each package may depend on. */
const MAY_DEPEND_ON: Readonly<Record<string, readonly string[]>> = {
  "@tsgi/gateway-spec": [],
  "@tsgi/server": ["@tsgi/gateway-spec"],
  "@tsgi/framework": ["@tsgi/gateway-spec"],
  "create-tsgi": [],
  "@tsgi/stock-app": ["@tsgi/gateway-spec", "@tsgi/server", "@tsgi/framework"],
};

/** The problems of a manifest, one sentence each. */
export function manifestProblems(manifest: Manifest): readonly string[] {
  const { name } = manifest;
  const allowed = MAY_DEPEND_ON[name];
  if (allowed === undefined) return [`${name} has no row in MAY_DEPEND_ON (scripts/lib/manifests.ts)`];
  const dependencies = Object.keys({
    ...manifest.dependencies,
    ...manifest.peerDependencies,
    ...manifest.optionalDependencies,
  });
  const problems = dependencies
    .filter((other) => other.startsWith("@tsgi/") && !allowed.includes(other))
    .map((other) => `${name} must not depend on ${other}`);
  if (name === "@tsgi/gateway-spec" && dependencies.length > 0) problems.push(`${name} must depend on nothing at all`);
  return manifest.private === true
    ? problems
    : [...problems, ...entryProblems(manifest), ...publicationProblems(manifest)];
}

/** What a package needs before it can be published. */
function publicationProblems(manifest: Manifest): readonly string[] {
  const { name, publishConfig = {}, bin = {}, repository, engines } = manifest;
  const folder = `packages/${name.replace("@tsgi/", "")}`;
  const problems = (["description", "keywords", "homepage", "license", "files"] as const)
    .filter((member) => manifest[member] === undefined)
    .map((member) => `${name} has no ${member}`);
  if (publishConfig.access !== "public" || publishConfig.provenance !== true) {
    problems.push(`${name}: publishConfig must have "access": "public" and "provenance": true`);
  }
  if (repository?.url !== REPOSITORY || repository.directory !== folder) {
    problems.push(`${name}: repository must be ${REPOSITORY} with the directory ${folder}`);
  }
  if (engines?.node === undefined) problems.push(`${name} must name the oldest Node in engines.node`);
  for (const [command, source] of Object.entries(bin)) {
    if (publishConfig.bin?.[command] === source.replace("./src/", "./dist/").replace(/\.ts$/, ".js")) continue;
    problems.push(`${name}: bin and publishConfig.bin disagree about "${command}"`);
  }
  return problems;
}

/** `exports` names sources, for the workspace; `publishConfig.exports` replaces it in the packed package. */
function entryProblems({ name, exports = {}, publishConfig }: Manifest): readonly string[] {
  const published = publishConfig?.exports ?? {};
  const entries = new Set([...Object.keys(exports), ...Object.keys(published)]);
  return [...entries].flatMap((entry) => {
    const built = exports[entry]?.replace("./src/", "./dist/").replace(/\.ts$/, "");
    const target = published[entry];
    if (built !== undefined && target?.types === `${built}.d.ts` && target.default === `${built}.js`) return [];
    return [`${name}: exports and publishConfig.exports disagree about "${entry}"`];
  });
}
