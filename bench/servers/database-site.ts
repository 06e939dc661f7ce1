/** What the servers of `bench/database.ts` have in common: the statements, the pool of mysql2, and the page. */

export const COLUMNS = "id, code, short, chg, turnover, price, highs, time";
export const ONE_ROW = `SELECT ${COLUMNS} FROM info WHERE id = ?`;
export const FIFTY_ROWS = `SELECT ${COLUMNS} FROM info ORDER BY id LIMIT 50`;

/** Connections of the pool, ours and the others'. */
export const POOL_SIZE = 10;

export const DATABASE_URL: string = process.env["DATABASE_URL"] ?? "";

/** mysql2 as its documentation recommends for speed: a pool, and no stack captured for each statement. */
export function mysqlOptions(): Readonly<Record<string, unknown>> & { readonly uri: string } {
  // Dates as text, so that all servers send the same bytes.
  return { uri: DATABASE_URL, connectionLimit: POOL_SIZE, dateStrings: true, trace: false };
}
