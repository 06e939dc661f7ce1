/**
 * 48 Workers, and a pool behind the loop.
 *
 * One loop uses one CPU. `--workers` starts several processes on one port, and replaces one that dies. Heavy work inside a
 * request still stops the loop of its process, so it goes to a pool of threads, and the loop goes on serving.
 *
 *     $ tsgi 7788 ./48-workers-and-a-pool.ts --workers 2 &
 *     tsgi: http://127.0.0.1:7788/ (…
 *     $ curl 'http://127.0.0.1:7788/fibonacci?n=30'
 *     832040, by a thread
 *     $ curl http://127.0.0.1:7788/
 *     worker process …
 */
import { App } from "@tsgi/framework";
import { createPool } from "@tsgi/server/pool";
import { z } from "zod";

export function fibonacci(n: number): number {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

/** Each thread imports this module too, and runs the functions that it exports. */
const pool = createPool<{ fibonacci: typeof fibonacci }>(new URL(import.meta.url), { threads: 2, maxQueue: 100 });

const app = new App();
app.get("/", () => `worker process ${process.pid}\n`);
app.get("/fibonacci", { query: { n: z.coerce.number().int().max(40) } }, async ({ query, request }) => {
  return `${await pool.run("fibonacci", query.n, { signal: request.signal })}, by a thread\n`;
});
export default app;

/**
 * Exercise: compute in the loop in place of a thread, ask for n=40, and ask for `/` in the meantime.
 * Question: what does a client get while 2 calls run and 100 wait, and what happens to the call of a client that leaves?
 * Question: kill one of the worker processes; what does the supervisor do, and what do clients see?
 */
