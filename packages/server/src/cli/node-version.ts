/** The oldest Node that the package supports, as in the `engines` of its package.json. Imports nothing, so that an old Node can run it. */
export const OLDEST_NODE = "22.13";

/** @returns what to print if the version is too old, or `null`. */
export function tooOldNode(version: string): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split(".").map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return null;
  return `tsgi needs Node ${OLDEST_NODE} or newer; this is Node ${version}`;
}
