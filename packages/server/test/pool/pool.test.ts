import { afterEach, expect, test } from "vitest";
import { createPool, type Pool, PoolFullError, type PoolOptions } from "../../src/pool/index.ts";
import type * as work from "./work.ts";

type Work = typeof work;

const MODULE = new URL("./work.ts", import.meta.url);
let pool: Pool<Work>;

function open(options: PoolOptions): Pool<Work> {
  pool = createPool<Work>(MODULE, options);
  return pool;
}

afterEach(() => pool.close());

const flag = () => new Int32Array(new SharedArrayBuffer(4));

function release(shared: Int32Array): void {
  Atomics.store(shared, 0, 1);
  Atomics.notify(shared, 0);
}

test("runs an exported function of the module in another thread", async () => {
  open({ threads: 1 });
  expect(await pool.run("fibonacci", 20)).toBe(6765);
  expect(await pool.run("whichThread", null)).not.toBe(0);
});

test("rejects with a copy of what the function throws", async () => {
  open({ threads: 1 });
  await expect(pool.run("fail", "too far")).rejects.toMatchObject({ name: "RangeError", message: "too far" });
  await expect(pool.run("notAFunction" as never, null as never)).rejects.toThrow('exports no function "notAFunction"');
});

test("refuses a call beyond the queue with 503, and runs those that wait", async () => {
  open({ threads: 1, maxQueue: 1 });
  const shared = flag();
  // The thread has started: what follows waits for this call alone.
  await pool.run("fibonacci", 1);
  const running = pool.run("waitFor", shared);
  const waiting = pool.run("fibonacci", 10);
  const refused = pool.run("fibonacci", 10);
  await expect(refused).rejects.toBeInstanceOf(PoolFullError);
  await expect(refused).rejects.toMatchObject({ code: "POOL_FULL", status: 503 });
  release(shared);
  expect(await running).toBe("released");
  expect(await waiting).toBe(55);
});

test("refuses each call while all threads work, without a queue", async () => {
  open({ threads: 1, maxQueue: 0 });
  const shared = flag();
  const running = pool.run("waitFor", shared);
  await expect(pool.run("fibonacci", 10)).rejects.toMatchObject({ code: "POOL_FULL" });
  release(shared);
  expect(await running).toBe("released");
  expect(await pool.run("fibonacci", 10)).toBe(55);
});

test("ends the thread of a call whose signal is aborted, and serves the next call with another one", async () => {
  open({ threads: 1 });
  const before = await pool.run("whichThread", null);
  const controller = new AbortController();
  const spinning = pool.run("spin", null, { signal: controller.signal });
  controller.abort();
  await expect(spinning).rejects.toMatchObject({ name: "AbortError" });
  expect(await pool.run("whichThread", null)).not.toBe(before);
});

test("drops a waiting call whose signal is aborted, without touching the running one", async () => {
  open({ threads: 1 });
  await pool.run("fibonacci", 1);
  const shared = flag();
  const running = pool.run("waitFor", shared);
  const controller = new AbortController();
  const waiting = pool.run("fibonacci", 10, { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
  release(shared);
  expect(await running).toBe("released");
});

test("close waits for running calls, and a later call opens the pool again", async () => {
  open({ threads: 1 });
  await pool.run("fibonacci", 1);
  const shared = flag();
  const running = pool.run("waitFor", shared);
  const closed = pool.close();
  release(shared);
  expect(await running).toBe("released");
  await closed;
  expect(await pool.run("fibonacci", 10)).toBe(55);
});
