/** What the servers of `bench/framework.ts` have in common. */
import { setImmediate } from "node:timers/promises";

/** Routes of the same kind, of the workload with many. */
export const OTHER_ROUTES: number = process.argv[2] === "routed-1000" ? 1000 : 0;

export const PIECE: string = "p".repeat(100);
export const PIECES = 20;

/** The pieces of the stream, a turn of the event loop apart. */
export async function* pieces(): AsyncGenerator<string> {
  for (let sent = 0; sent < PIECES; sent += 1) {
    if (sent > 0) await setImmediate();
    yield PIECE;
  }
}
