/** Where a program registers a route, for the messages of route errors. */

/**
 * File and line of the nearest caller outside of this package: `/srv/app.ts:7`. `undefined` where the runtime does not say it.
 */
export function callerPlace(): string | undefined {
  const limited = Error.stackTraceLimit;
  Error.stackTraceLimit = 20;
  const { stack = "" } = new Error("place");
  Error.stackTraceLimit = limited;
  for (const line of stack.split("\n").slice(1)) {
    const file = /\(?((?:file:\/\/|\/|[A-Za-z]:[\\/])[^()]*):(\d+):\d+\)?$/.exec(line);
    if (file === null || isOurs(file[1] ?? "")) continue;
    return `${(file[1] ?? "").replace(/^file:\/\//, "").replace(/\?.*$/, "")}:${file[2] ?? ""}`;
  }
  return undefined;
}

const PACKAGE = new URL("../", import.meta.url).href;
const PACKAGE_PATH = decodeURI(new URL(PACKAGE).pathname);

/** Tests beside the sources are programs. */
function isOurs(file: string): boolean {
  return (file.startsWith(PACKAGE) || file.startsWith(PACKAGE_PATH)) && !/\.test\.ts(?:$|\?)/.test(file);
}
