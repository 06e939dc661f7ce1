/**
 * The time of a line of the error log: ISO 8601, UTC. It is there in production only, for a developer sees the lines as they come, and
 * not in the journal of systemd, which has the time of each line (JOURNAL_STREAM, systemd.exec(5)).
 */

/** The time with a space behind it, or an empty text. */
export function timePrefix(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const isNeeded = environment["NODE_ENV"] === "production" && environment["JOURNAL_STREAM"] === undefined;
  return isNeeded ? `${new Date().toISOString()} ` : "";
}

/** Puts it in front of what `console.error` and `console.warn` write in this thread: failed and refused requests, and what the application logs. */
export function stampErrorLog(): void {
  if (timePrefix() === "") return;
  for (const level of ["error", "warn"] as const) {
    const log = console[level].bind(console);
    console[level] = (first: unknown, ...rest: readonly unknown[]) => {
      if (typeof first === "string") log(timePrefix() + first, ...rest);
      else log(timePrefix().trimEnd(), first, ...rest);
    };
  }
}
