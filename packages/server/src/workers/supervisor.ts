/**
 * Keeps a number of workers running. It only decides: workers are made by the function that it is given, and time is a clock, so
 * that each decision is tested without a process.
 *
 *     start ──ready──► serving ──drain──► draining ──exit──► gone
 *        └──exit before ready: of the first generation, the whole ends with the worker's code; of a later one, the old one stays
 */
import type { Clock } from "../runtime/clock.ts";
import type { Worker, WorkerEvents, WorkerExit } from "./worker-process.ts";

export interface SupervisorOptions {
  readonly workers: number;
  /** From the start of a worker until it listens; beyond it the worker is killed. */
  readonly startTimeoutMs: number;
  /** Without a heartbeat for this long a ready worker is stuck: its stack is logged, and it is replaced. 0 disables the check. */
  readonly stuckTimeoutMs: number;
  /** Requests after which a worker is replaced, up to a tenth more by chance. Infinity disables it. */
  readonly maxRequests: number;
  /** Resident memory beyond which a worker is replaced, in bytes. Infinity disables it. */
  readonly maxMemoryBytes: number;
  /** How long idle connections of a drained worker may still bring a request: at a stop, and at a reload. */
  readonly stopIdleMs: number;
  readonly reloadIdleMs: number;
}

export interface SupervisorLog {
  info(message: string): void;
  warn(message: string): void;
}

export interface WorkerRow {
  readonly pid: number;
  readonly generation: number;
  readonly state: "starting" | "serving" | "draining";
  readonly uptimeMs: number;
  readonly requests: number;
  readonly memoryBytes: number | null;
}

interface Member {
  readonly worker: Worker;
  readonly generation: number;
  readonly startedAt: number;
  /** The limit of requests of this worker. */
  readonly maxRequests: number;
  readonly ready: PromiseWithResolvers<boolean>;
  state: WorkerRow["state"];
  /** Whether it has listened: heartbeats begin then. */
  isReady: boolean;
  heartbeatAt: number;
  requests: number;
  /** Samples in a row that were over the memory limit. */
  heavySamples: number;
  isStuck: boolean;
}

/** How often the supervisor looks at its workers. */
export const LOOK_MS = 500;

/** A worker that lived this long before it died is replaced at once. */
const HEALTHY_MS = 60_000;
const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 30_000;

export class Supervisor {
  #options: SupervisorOptions;
  readonly #create: (events: WorkerEvents) => Worker;
  readonly #memoryOf: (pid: number) => number | null;
  readonly #clock: Clock;
  readonly #log: SupervisorLog;
  readonly #members = new Set<Member>();
  readonly #started: Promise<boolean>;
  readonly #ended = Promise.withResolvers<number>();
  readonly #stopLooking: () => void;
  #wanted: number;
  #generation = 0;
  #hasBeenReady = false;
  #isStopping = false;
  #isReplacing = false;
  #deaths = 0;
  #exitCode = 0;
  #lookedAt: number;
  #reloads: Promise<unknown> = Promise.resolve();

  constructor(
    options: SupervisorOptions,
    create: (events: WorkerEvents) => Worker,
    memoryOf: (pid: number) => number | null,
    clock: Clock,
    log: SupervisorLog,
  ) {
    this.#options = options;
    this.#create = create;
    this.#memoryOf = memoryOf;
    this.#clock = clock;
    this.#log = log;
    this.#wanted = options.workers;
    this.#lookedAt = clock.now();
    this.#stopLooking = clock.every(LOOK_MS, () => {
      this.#look();
    });
    this.#fill("start");
    this.#started = Promise.all([...this.#members].map(({ ready }) => ready.promise)).then((all) => all.every(Boolean));
  }

  /** The exit code, when all workers have ended. */
  get ended(): Promise<number> {
    return this.#ended.promise;
  }

  /** Whether the first generation serves, once that is known. */
  get started(): Promise<boolean> {
    return this.#started;
  }

  /** Whether a worker takes requests, outside of a shutdown. */
  get isReady(): boolean {
    return !this.#isStopping && [...this.#members].some(({ state, isStuck }) => state === "serving" && !isStuck);
  }

  /** How many workers there are in each state. */
  count(): Readonly<Record<WorkerRow["state"], number>> {
    const counts = { starting: 0, serving: 0, draining: 0 };
    for (const { state } of this.#members) counts[state]++;
    return counts;
  }

  rows(): readonly WorkerRow[] {
    const now = this.#clock.now();
    return [...this.#members].map(({ worker: { pid }, generation, state, startedAt, requests }) => ({
      pid,
      generation,
      state,
      uptimeMs: now - startedAt,
      requests,
      memoryBytes: this.#memoryOf(pid),
    }));
  }

  /**
   * Starts a new generation and drains the old one when all of the new one serve. If one of them fails, the old one stays, and so do
   * the options.
   * @param options from now on. Another number of workers replaces what `addWorker` and `removeWorker` have made of the old one.
   * @returns whether the new generation serves.
   */
  reload(options?: SupervisorOptions): Promise<boolean> {
    const reloaded = this.#reloads.then(() => this.#reloadWith(options ?? this.#options));
    this.#reloads = reloaded;
    return reloaded;
  }

  async #reloadWith(options: SupervisorOptions): Promise<boolean> {
    const before = this.#options;
    const more = options.workers === before.workers ? 0 : options.workers - this.#wanted;
    this.#wanted += more;
    this.#options = options;
    const serves = await this.#reload();
    if (!serves) {
      this.#options = before;
      this.#wanted = Math.max(1, this.#wanted - more);
    }
    // Meanwhile workers may have died, and another number may be wanted. Not at once: the caller may take its configuration back.
    this.#after(serves ? 0 : FIRST_BACKOFF_MS, () => {
      for (const extra of this.#current.slice(this.#wanted)) this.#drain(extra, options.reloadIdleMs);
      this.#fill("one is missing after the reload");
    });
    return serves;
  }

  addWorker(): void {
    this.#wanted++;
    this.#log.info(`${this.#wanted} workers wanted`);
    this.#fill("one more");
  }

  removeWorker(): void {
    if (this.#wanted === 1) return;
    this.#wanted--;
    this.#log.info(`${this.#wanted} workers wanted`);
    const last = this.#current.at(-1);
    if (last === undefined) return;
    this.#drain(last, this.#options.reloadIdleMs);
    // A reload does not wait for it.
    last.ready.resolve(true);
  }

  /** Drains all workers; a second call kills them. */
  stop(): void {
    if (this.#isStopping) {
      for (const { worker } of this.#members) worker.kill();
      return;
    }
    this.#isStopping = true;
    for (const member of this.#members) this.#drain(member, this.#options.stopIdleMs);
    this.#endIfEmpty();
  }

  /** The workers that count: those that do not drain. */
  get #current(): readonly Member[] {
    return [...this.#members].filter(({ state }) => state !== "draining");
  }

  #fill(reason: string): void {
    while (!this.#isStopping && this.#current.length < this.#wanted) this.#start(reason);
  }

  #start(reason: string): Member {
    const { maxRequests } = this.#options;
    const now = this.#clock.now();
    const worker = this.#create({
      ready: () => {
        this.#ready(member, reason);
      },
      heartbeat: (requests) => {
        member.heartbeatAt = this.#clock.now();
        member.requests = requests;
        if (requests >= member.maxRequests) this.#replace(member, `${requests} requests`);
      },
      exit: (exit) => {
        this.#exited(member, exit);
      },
    });
    const member: Member = {
      worker,
      generation: this.#generation,
      startedAt: now,
      // Workers that started together must not end together.
      maxRequests: Math.round(maxRequests * (1 + Math.random() / 10)),
      ready: Promise.withResolvers(),
      state: "starting",
      isReady: false,
      heartbeatAt: now,
      requests: 0,
      heavySamples: 0,
      isStuck: false,
    };
    this.#members.add(member);
    return member;
  }

  #ready(member: Member, reason: string): void {
    member.isReady = true;
    member.heartbeatAt = this.#clock.now();
    if (member.state !== "starting") return;
    member.state = "serving";
    this.#hasBeenReady = true;
    this.#log.info(`worker ${member.worker.pid} serves (${reason})`);
    member.ready.resolve(true);
  }

  #exited(member: Member, exit: WorkerExit): void {
    if (!this.#members.delete(member)) return;
    const how = exit.signal ?? `exit code ${exit.code ?? 0}`;
    const { pid } = member.worker;
    member.ready.resolve(false);
    if (member.state === "draining" || this.#isStopping) {
      this.#log.info(`worker ${pid} ended (${how})`);
      this.#endIfEmpty();
      return;
    }
    if (!this.#hasBeenReady) {
      this.#log.warn(`worker ${pid} did not start (${how}); stopping`);
      this.#exitCode = exit.code ?? 1;
      this.#isStopping = true;
      for (const other of this.#members) other.worker.kill();
      this.#endIfEmpty();
      return;
    }
    // A reload or a replacement that failed: those that it was meant to replace still serve.
    if (member.state === "starting" && this.#current.length >= this.#wanted) {
      this.#log.warn(`worker ${pid} did not start (${how})`);
      return;
    }
    const waitMs = this.#backoffMs(member);
    this.#log.warn(`worker ${pid} died (${how}); the next one starts in ${waitMs} ms`);
    this.#after(waitMs, () => {
      this.#fill("replaces a dead worker");
    });
  }

  /** The first death costs no time; each one soon after it doubles the wait, with jitter. */
  #backoffMs({ startedAt }: Member): number {
    this.#deaths = this.#clock.now() - startedAt >= HEALTHY_MS ? 1 : this.#deaths + 1;
    if (this.#deaths === 1) return 0;
    const waitMs = Math.min(FIRST_BACKOFF_MS * 2 ** (this.#deaths - 2), MAX_BACKOFF_MS);
    return Math.round(waitMs * (0.75 + Math.random() / 2));
  }

  async #reload(): Promise<boolean> {
    if (this.#isStopping) return false;
    this.#generation++;
    const generation = this.#generation;
    const old = this.#current;
    this.#log.info(`reload: starting generation ${generation}`);
    const next = Array.from({ length: this.#wanted }, () => this.#start(`generation ${generation}`));
    const ready = await Promise.all(next.map((member) => member.ready.promise));
    if (ready.every(Boolean)) {
      for (const member of old) this.#drain(member, this.#options.reloadIdleMs);
      this.#log.info(`reload: generation ${generation} serves`);
      return true;
    }
    this.#log.warn(`reload: generation ${generation} did not start; the one before it goes on`);
    for (const member of next) this.#drain(member, this.#options.stopIdleMs);
    return false;
  }

  /** The new one first, so that there is never one less; one replacement at a time. */
  #replace(member: Member, reason: string): void {
    if (this.#isReplacing || this.#isStopping || member.state !== "serving") return;
    this.#isReplacing = true;
    this.#log.info(`worker ${member.worker.pid} is replaced: ${reason}`);
    const next = this.#start(`replaces worker ${member.worker.pid}`);
    const release = () => {
      this.#isReplacing = false;
    };
    void next.ready.promise.then((isReady) => {
      if (isReady) this.#drain(member, this.#options.reloadIdleMs);
      // The reason stays, so the next try is not at once.
      this.#after(isReady ? 0 : MAX_BACKOFF_MS, release);
      return undefined;
    });
  }

  #drain(member: Member, idleMs: number): void {
    if (member.state === "draining") return;
    member.state = "draining";
    member.worker.drain(idleMs);
  }

  #look(): void {
    const now = this.#clock.now();
    const lateMs = now - this.#lookedAt - LOOK_MS;
    this.#lookedAt = now;
    // A supervisor that was late itself, on a suspended or starved machine, could receive no heartbeat.
    if (lateMs > 2 * LOOK_MS) {
      for (const member of this.#members) member.heartbeatAt = now;
      return;
    }
    const { startTimeoutMs, stuckTimeoutMs } = this.#options;
    for (const member of this.#members) {
      // Also one that drains: it could keep a reload or a stop from its end.
      if (member.isReady && stuckTimeoutMs > 0 && now - member.heartbeatAt > stuckTimeoutMs)
        void this.#killStuck(member);
      if (!member.isReady && now - member.startedAt > startTimeoutMs) {
        this.#log.warn(`worker ${member.worker.pid} does not listen after ${startTimeoutMs} ms; it is killed`);
        member.worker.kill();
      } else if (member.state === "serving") this.#weigh(member);
    }
  }

  async #killStuck(member: Member): Promise<void> {
    if (member.isStuck) return;
    member.isStuck = true;
    const { pid } = member.worker;
    this.#log.warn(`worker ${pid} has not turned its event loop for ${this.#options.stuckTimeoutMs} ms`);
    const frames = await member.worker.stack();
    this.#log.warn(
      frames === null
        ? `worker ${pid}: its stack could not be read`
        : `worker ${pid} is stuck at\n    ${frames.join("\n    ")}`,
    );
    member.worker.kill();
  }

  /** Two samples in a row: one may be a moment before a collection. */
  #weigh(member: Member): void {
    const { maxMemoryBytes } = this.#options;
    if (maxMemoryBytes === Number.POSITIVE_INFINITY) return;
    const bytes = this.#memoryOf(member.worker.pid);
    member.heavySamples = bytes !== null && bytes > maxMemoryBytes ? member.heavySamples + 1 : 0;
    if (member.heavySamples >= 2) this.#replace(member, `${Math.round((bytes ?? 0) / 1e6)} MB of memory`);
  }

  #after(delayMs: number, work: () => void): void {
    if (delayMs === 0) {
      work();
      return;
    }
    const cancel = this.#clock.every(delayMs, () => {
      cancel();
      work();
    });
  }

  #endIfEmpty(): void {
    if (!this.#isStopping || this.#members.size > 0) return;
    this.#stopLooking();
    this.#ended.resolve(this.#exitCode);
  }
}
