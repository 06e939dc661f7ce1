/** Where a program registers a route, for the messages of route errors. */

/** File and line: `/srv/app.ts:7`. `undefined` where the runtime does not say it. Worked out when a message needs it. */
export type Place = () => string | undefined;

/** The nearest caller outside of this package. V8 formats a stack when it is first read, which is most of its cost. */
export function callerPlace(): Place {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 20;
  const caller = new Error("place");
  Error.stackTraceLimit = limit;
  return () => firstOutside(caller.stack ?? "");
}

function firstOutside(stack: string): string | undefined {
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
