/** The log of slow statements. */
import type { DatabaseOptions } from "./types.ts";

const MAX_LOGGED_CHARACTERS = 1000;

/** Logs a statement that took `slowQueryMs` or longer, by its text: values are in parameters, which are not logged. */
export class SlowQueries {
  readonly #thresholdMs: number;
  readonly #logger: NonNullable<DatabaseOptions["logger"]>;

  constructor({ slowQueryMs = Number.POSITIVE_INFINITY, logger = console }: DatabaseOptions) {
    this.#thresholdMs = slowQueryMs;
    this.#logger = logger;
  }

  /** @param startedAt by `performance.now()`. */
  ended(sql: string, startedAt: number): void {
    if (this.#thresholdMs === Number.POSITIVE_INFINITY) return;
    const durationMs = performance.now() - startedAt;
    if (durationMs < this.#thresholdMs) return;
    const text = sql.replaceAll(/\s+/g, " ").trim();
    const shown = text.length > MAX_LOGGED_CHARACTERS ? `${text.slice(0, MAX_LOGGED_CHARACTERS)}…` : text;
    try {
      this.#logger.warn(`slow query, ${Math.round(durationMs)} ms: ${shown}`);
    } catch {
      // A logger that fails must not fail the statement.
    }
  }
}
