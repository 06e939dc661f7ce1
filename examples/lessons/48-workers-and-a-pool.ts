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
import { once } from "node:events";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { App } from "@tsgi/framework";
import { z } from "zod";

const fibonacci = (n: number): number => (n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2));

const waiting: ((thread: Worker) => void)[] = [];
const idle = isMainThread ? Array.from({ length: 2 }, () => new Worker(import.meta.filename)) : [];
for (const thread of idle) thread.unref();
parentPort?.on("message", (n: number) => parentPort?.postMessage(fibonacci(n), []));

/** Waits for a thread that is idle, and gives its result. */
async function inThread(n: number): Promise<number> {
  const thread = idle.pop() ?? (await new Promise<Worker>((resolve) => void waiting.push(resolve)));
  thread.postMessage(n, []);
  const [result] = (await once(thread, "message")) as [number];
  const next = waiting.shift();
  if (next === undefined) idle.push(thread);
  else next(thread);
  return result;
}

const app = new App();
app.get("/", () => `worker process ${process.pid}\n`);
app.get("/fibonacci", { query: { n: z.coerce.number().int().max(40) } }, async ({ query }) => {
  return `${await inThread(query.n)}, by a thread\n`;
});
export default app;

/**
 * Exercise: compute in the loop in place of a thread, ask for n=40, and ask for `/` in the meantime.
 * Question: kill one of the worker processes; what does the supervisor do, and what do clients see?
 */
