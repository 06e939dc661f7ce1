/** The oldest Node that the created application supports, as in the `engines` of both packages: from it on, Node removes types by itself. */
export const OLDEST_NODE = "22.18";

/** @returns what to print if the version is too old, or `null`. */
export function tooOldNode(version: string): string | null {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split(".").map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return null;
  return `create-tsgi needs Node ${OLDEST_NODE} or newer; this is Node ${version}`;
}
