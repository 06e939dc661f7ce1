/** Where a program registers a route, for the messages of route errors. */

/** File and line: `/srv/app.ts:7`. `undefined` where the runtime does not say it. Worked out when a message needs it. */
export type Place = () => string | undefined;

/** The nearest caller outside of this package. V8 formats a stack when it is first read, which is most of its cost. */
export function callerPlace(): Place {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 20;
  const caller = new Error("place");
  Error.stackTraceLimit = limit;
  return () => firstOutside(caller.stack ?? "", PACKAGE);
}

const PACKAGE = new URL("../", import.meta.url).href;

/**
 * The first frame of a file that is not in the folder of the package. Frames of ES modules have a URL, others a path.
 * @param folder a URL.
 */
export function firstOutside(stack: string, folder: string): string | undefined {
  const own = pathOf(folder);
  for (const line of stack.split("\n").slice(1)) {
    const [, place, number] = /[ (]((?:file:\/\/|\/|[A-Za-z]:[\\/])[^()]*):(\d+):\d+\)?$/.exec(line) ?? [];
    if (place === undefined) continue;
    const file = pathOf(place);
    // Tests beside the sources are programs.
    if (!file.startsWith(own) || file.endsWith(".test.ts")) return `${file}:${number}`;
  }
  return undefined;
}

/** `/srv/app.ts` or `C:/srv/app.ts`. */
function pathOf(place: string): string {
  if (!place.startsWith("file://")) return place.replaceAll("\\", "/");
  const { pathname } = new URL(place);
  return decodeURI(pathname.replace(/^\/(?=[A-Za-z]:)/, ""));
}
