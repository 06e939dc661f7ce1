/** Checks the packages' manifests: the direction of dependencies, and equal entries for the workspace and the packed package. */

export interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, { types: string; default: string }>> };
}

/** The packages of this repository that each package may depend on. */
const MAY_DEPEND_ON: Readonly<Record<string, readonly string[]>> = {
  "@tsgi/gateway-spec": [],
  "@tsgi/server": ["@tsgi/gateway-spec"],
  "@tsgi/framework": ["@tsgi/gateway-spec"],
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
  return manifest.private === true ? problems : [...problems, ...entryProblems(manifest)];
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
