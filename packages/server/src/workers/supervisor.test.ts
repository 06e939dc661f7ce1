import { beforeEach, describe, expect, test } from "vitest";
import { ManualClock } from "../../test/manual-clock.ts";
import { LOOK_MS, Supervisor, type SupervisorOptions } from "./supervisor.ts";
import type { WorkerEvents } from "./worker-process.ts";

const OPTIONS: SupervisorOptions = {
  workers: 2,
  startTimeoutMs: 10_000,
  stuckTimeoutMs: 5000,
  maxRequests: Number.POSITIVE_INFINITY,
  maxMemoryBytes: Number.POSITIVE_INFINITY,
  stopIdleMs: 1000,
  reloadIdleMs: 6000,
};

/** A worker that does only what the test says. */
class FakeWorker {
  readonly pid: number;
  readonly events: WorkerEvents;
  readonly calls: string[] = [];

  constructor(pid: number, events: WorkerEvents) {
    this.pid = pid;
    this.events = events;
  }

  drain(idleMs: number): void {
    this.calls.push(`drain ${idleMs}`);
  }

  kill(): void {
    this.calls.push("kill");
    this.events.exit({ code: null, signal: "SIGKILL" });
  }

  stack(): Promise<readonly string[]> {
    return Promise.resolve(["spin /app/report.ts:7"]);
  }

  ready(): void {
    this.events.ready("http://127.0.0.1:7788/");
  }

  exit(code: number): void {
    this.events.exit({ code, signal: null });
  }
}

let clock: ManualClock;
let workers: FakeWorker[];
let memory: Map<number, number>;
let lines: string[];

beforeEach(() => {
  clock = new ManualClock();
  workers = [];
  memory = new Map();
  lines = [];
});

function supervise(options: Partial<SupervisorOptions> = {}): Supervisor {
  return new Supervisor(
    { ...OPTIONS, ...options },
    (events) => {
      const worker = new FakeWorker(100 + workers.length, events);
      workers.push(worker);
      return worker;
    },
    (pid) => memory.get(pid) ?? null,
    clock,
    { info: (line) => void lines.push(line), warn: (line) => void lines.push(line) },
  );
}

function started(options?: Partial<SupervisorOptions>): Supervisor {
  const supervisor = supervise(options);
  for (const worker of workers) worker.ready();
  return supervisor;
}

function worker(index: number): FakeWorker {
  const found = workers[index];
  if (found === undefined) throw new Error(`There are ${workers.length} workers`);
  return found;
}

/** Lets time pass as on a machine that is not late, with heartbeats of those that have them. */
async function pass(ms: number, beating: readonly FakeWorker[] = []): Promise<void> {
  for (let passed = 0; passed < ms; passed += LOOK_MS) {
    for (const { events } of beating) events.heartbeat(0);
    clock.advance(LOOK_MS);
    await Promise.resolve();
    await Promise.resolve();
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

describe("start", () => {
  test("starts as many workers as wanted, and says when they serve", async () => {
    const supervisor = started();
    expect(await supervisor.started).toBe(true);
    expect(supervisor.rows().map(({ pid, state }) => [pid, state])).toEqual([
      [100, "serving"],
      [101, "serving"],
    ]);
  });

  test("ends with the code of a worker that exits before any was ready", async () => {
    const supervisor = supervise();
    worker(0).exit(3);
    expect(await supervisor.started).toBe(false);
    expect(await supervisor.ended).toBe(3);
    expect(worker(1).calls).toEqual(["kill"]);
    expect(lines[0]).toBe("worker 100 did not start (exit code 3); stopping");
  });

  test("kills a worker that does not listen in time", async () => {
    const supervisor = supervise();
    worker(1).ready();
    await pass(10_500, [worker(1)]);
    expect(worker(0).calls).toEqual(["kill"]);
    expect(supervisor.rows()).toHaveLength(2);
  });
});

describe("a worker that dies", () => {
  test("is replaced at once, and after more deaths with growing waits", async () => {
    started();
    worker(0).exit(1);
    expect(workers).toHaveLength(3);
    const waits: number[] = [];
    for (let death = 0; death < 4; death++) {
      const dying = worker(workers.length - 1);
      dying.ready();
      dying.exit(1);
      waits.push(Number(/starts in (\d+) ms/.exec(lines.at(-1) ?? "")?.[1]));
      const count = workers.length;
      await pass(2000, [worker(1)]);
      expect(workers).toHaveLength(count + 1);
    }
    for (const [death, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(75 * 2 ** death);
      expect(wait).toBeLessThanOrEqual(125 * 2 ** death);
    }
  });

  test("after a minute of life costs no wait", async () => {
    started();
    worker(0).exit(1);
    worker(2).ready();
    await pass(61_000, [worker(1), worker(2)]);
    worker(2).exit(1);
    expect(lines.at(-1)).toContain("starts in 0 ms");
  });
});

describe("a stuck worker", () => {
  test("is killed while it drains too, so that a stop ends", async () => {
    const supervisor = started();
    supervisor.stop();
    await pass(6000, [worker(1)]);
    await settle();
    expect([worker(0).calls, worker(1).calls]).toEqual([["drain 1000", "kill"], ["drain 1000"]]);
    worker(1).exit(0);
    expect(await supervisor.ended).toBe(0);
  });

  test("that had to drain before it listened is killed after the time for a start", async () => {
    const supervisor = supervise({ workers: 1 });
    supervisor.stop();
    await pass(OPTIONS.startTimeoutMs);
    expect(worker(0).calls).toEqual(["drain 1000"]);
    await pass(LOOK_MS);
    expect(worker(0).calls).toEqual(["drain 1000", "kill"]);
    expect(await supervisor.ended).toBe(0);
  });

  test("has its stack logged, is killed and replaced; the others go on", async () => {
    started();
    await pass(6000, [worker(1)]);
    await settle();
    expect(lines.join("\n")).toContain("worker 100 is stuck at\n    spin /app/report.ts:7");
    expect(worker(0).calls).toEqual(["kill"]);
    expect(worker(1).calls).toEqual([]);
    expect(workers).toHaveLength(3);
  });

  test("is not assumed while it starts, nor with the check disabled", async () => {
    supervise();
    worker(0).ready();
    await pass(6000, [worker(0)]);
    expect(worker(1).calls).toEqual([]);
    started({ stuckTimeoutMs: 0 });
    await pass(60_000);
    expect(worker(2).calls).toEqual([]);
  });

  test("is not assumed after the supervisor itself was suspended", async () => {
    started();
    clock.hold(60_000);
    await settle();
    expect([...worker(0).calls, ...worker(1).calls]).toEqual([]);
  });
});

describe("reload", () => {
  test("with other options starts as many workers as they name, which have the options", async () => {
    const supervisor = started();
    const reloaded = supervisor.reload({ ...OPTIONS, workers: 1, stuckTimeoutMs: 0 });
    await settle();
    expect(workers).toHaveLength(3);
    worker(2).ready();
    expect(await reloaded).toBe(true);
    worker(0).exit(0);
    worker(1).exit(0);
    await pass(60_000);
    expect(worker(2).calls).toEqual([]);
  });

  test("keeps the options where the new generation does not start", async () => {
    const supervisor = started();
    const reloaded = supervisor.reload({ ...OPTIONS, workers: 1, stuckTimeoutMs: 0 });
    await settle();
    worker(2).exit(1);
    expect(await reloaded).toBe(false);
    await pass(6000, [worker(1)]);
    expect(worker(0).calls).toEqual(["kill"]);
    expect(workers).toHaveLength(4);
  });

  test("drains the old generation when all of the new one serve", async () => {
    const supervisor = started();
    const reloaded = supervisor.reload();
    await settle();
    expect(workers).toHaveLength(4);
    worker(2).ready();
    await settle();
    expect(worker(0).calls).toEqual([]);
    worker(3).ready();
    await reloaded;
    expect([worker(0).calls, worker(1).calls, worker(2).calls]).toEqual([["drain 6000"], ["drain 6000"], []]);
    worker(0).exit(0);
    worker(1).exit(0);
    expect(supervisor.rows().map(({ pid, generation }) => [pid, generation])).toEqual([
      [102, 1],
      [103, 1],
    ]);
  });

  test("leaves the old generation where one of the new one fails", async () => {
    const supervisor = started();
    const reloaded = supervisor.reload();
    await settle();
    worker(2).ready();
    worker(3).exit(1);
    await reloaded;
    expect([worker(0).calls, worker(1).calls, worker(2).calls]).toEqual([[], [], ["drain 1000"]]);
    worker(2).exit(0);
    expect(supervisor.rows().map(({ pid }) => pid)).toEqual([100, 101]);
  });

  test("that fails is followed by a worker for one that died meanwhile, after the caller has its configuration back", async () => {
    const supervisor = started();
    const reloaded = supervisor.reload();
    await settle();
    worker(0).exit(1);
    worker(2).exit(1);
    worker(3).ready();
    expect(await reloaded).toBe(false);
    expect(workers).toHaveLength(4);
    await pass(1000);
    expect(workers).toHaveLength(5);
    worker(4).ready();
    worker(3).exit(0);
    expect(supervisor.rows().map(({ pid }) => pid)).toEqual([101, 104]);
  });

  test("ends with as many workers as are wanted by then", async () => {
    const supervisor = started();
    let reloaded = supervisor.reload();
    await settle();
    supervisor.addWorker();
    worker(2).ready();
    worker(3).ready();
    expect(await reloaded).toBe(true);
    expect(workers).toHaveLength(5);
    worker(4).ready();
    reloaded = supervisor.reload();
    await settle();
    supervisor.removeWorker();
    worker(5).ready();
    worker(6).ready();
    expect(await reloaded).toBe(true);
    expect(workers).toHaveLength(8);
    expect(supervisor.count()).toEqual({ starting: 0, serving: 2, draining: 6 });
  });

  test("that fails keeps the number that is wanted by then", async () => {
    const supervisor = started();
    const reloaded = supervisor.reload({ ...OPTIONS, workers: 3 });
    await settle();
    supervisor.addWorker();
    worker(2).exit(1);
    worker(3).ready();
    worker(4).ready();
    expect(await reloaded).toBe(false);
    await pass(1000);
    expect(supervisor.count()).toEqual({ starting: 1, serving: 2, draining: 2 });
  });

  test("runs one after the other", async () => {
    const supervisor = started();
    const both = Promise.all([supervisor.reload(), supervisor.reload()]);
    await settle();
    expect(workers).toHaveLength(4);
    worker(2).ready();
    worker(3).ready();
    await settle();
    expect(workers).toHaveLength(6);
    worker(4).ready();
    worker(5).ready();
    await both;
    expect(worker(2).calls).toEqual(["drain 6000"]);
  });
});

describe("recycling", () => {
  test("starts the new worker before it drains the one with too many requests, one at a time", async () => {
    started({ maxRequests: 100 });
    worker(0).events.heartbeat(111);
    worker(1).events.heartbeat(111);
    expect(workers).toHaveLength(3);
    expect(worker(0).calls).toEqual([]);
    worker(2).ready();
    await settle();
    expect(worker(0).calls).toEqual(["drain 6000"]);
    worker(1).events.heartbeat(112);
    expect(workers).toHaveLength(4);
  });

  test("replaces a worker whose memory is over the limit twice in a row", async () => {
    started({ maxMemoryBytes: 100e6 });
    memory.set(100, 150e6);
    await pass(LOOK_MS, workers);
    memory.set(100, 50e6);
    await pass(LOOK_MS, workers);
    memory.set(100, 150e6);
    await pass(LOOK_MS, workers);
    expect(workers).toHaveLength(2);
    await pass(LOOK_MS, workers);
    expect(workers).toHaveLength(3);
    expect(lines.at(-1)).toBe("worker 100 is replaced: 150 MB of memory");
  });

  test("does not try again at once where the new worker fails", async () => {
    started({ maxRequests: 100 });
    worker(0).events.heartbeat(111);
    worker(2).exit(1);
    await settle();
    worker(0).events.heartbeat(112);
    expect(workers).toHaveLength(3);
    expect(worker(0).calls).toEqual([]);
  });
});

describe("stop", () => {
  test("drains every worker and ends with 0 when the last one has ended", async () => {
    const supervisor = started();
    supervisor.stop();
    expect(worker(0).calls).toEqual(["drain 1000"]);
    worker(0).exit(0);
    worker(1).exit(0);
    expect(await supervisor.ended).toBe(0);
    expect(workers).toHaveLength(2);
  });

  test("kills the workers at the second call", async () => {
    const supervisor = started();
    supervisor.stop();
    supervisor.stop();
    expect(worker(0).calls).toEqual(["drain 1000", "kill"]);
    expect(await supervisor.ended).toBe(0);
  });
});

test("one worker more and one less, never none", () => {
  const supervisor = started();
  supervisor.addWorker();
  worker(2).ready();
  expect(supervisor.rows()).toHaveLength(3);
  for (let i = 0; i < 5; i++) supervisor.removeWorker();
  expect(supervisor.rows().filter(({ state }) => state === "serving")).toHaveLength(1);
  expect(worker(0).calls).toEqual([]);
});
