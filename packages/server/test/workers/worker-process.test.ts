import { expect, test } from "vitest";
import { resolveConfig } from "../../src/config.ts";
import { startWorker, type WorkerExit } from "../../src/workers/worker-process.ts";

test("messages to a worker that has just died are dropped, and its exit is reported as it was", async () => {
  const spoken = Promise.withResolvers<unknown>();
  const ended = Promise.withResolvers<WorkerExit>();
  const start = { config: resolveConfig([]).config, folder: import.meta.dirname, applicationArguments: [] };
  const ignore = () => undefined;
  const worker = startWorker(
    start,
    null,
    1000,
    { ready: ignore, heartbeat: ignore, broadcast: ignore, exit: ended.resolve },
    { module: new URL("speaking-worker.ts", import.meta.url), received: spoken.resolve },
  );
  await spoken.promise;
  process.kill(worker.pid, "SIGKILL");
  // The process dies while the event loop of this one is blocked, so that its channel seems to be open.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  for (let i = 0; i < 3; i++) worker.broadcast("x");
  worker.drain(0);
  expect(await ended.promise).toEqual({ code: null, signal: "SIGKILL" });
});
