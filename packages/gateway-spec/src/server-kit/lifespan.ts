/** The lifespan of an application: startup, the work given to `waitUntil`, draining, shutdown (TSGI-31, 34 to 37, 51 to 53). */
import type { CloseOptions, Handler, Logger, Server, ServerInfo } from "../index.ts";
import { describe, isPromiseLike } from "./handler-result.ts";
import { guardLogger, STDERR_LOGGER } from "./log.ts";
import { serverClosed } from "./refusals.ts";

/** The version of the contract that servers on this kit keep. */
const SPEC_VERSION = "1.0";

/** An `Application` of whatever state: a lifespan hands on what `startup` returned and does not look at it. */
interface AnyApplication {
  readonly fetch: Handler<never>;
  readonly startup?: (server: ServerInfo) => unknown;
  readonly shutdown?: (state: never) => unknown;
}

/**
 * One application on one server. A server calls {@link Lifespan.start} before it listens. An adapter on a foreign host calls it at
 * the first request, while {@link Lifespan.started} is false.
 */
export class Lifespan {
  readonly handler: Handler;
  /** It never throws. */
  readonly logger: Logger;
  readonly #application: AnyApplication;
  readonly #info: ServerInfo;
  readonly #draining = new AbortController();
  readonly #pending = new Set<Promise<unknown>>();
  #state: unknown = undefined;
  #started: boolean;
  #isDraining = false;
  #starting: Promise<void> | null = null;
  #ending: Promise<void> | null = null;

  /**
   * @param software of the server, with its version, as `startup` gets it: `tsgi-socket/0.1.0`.
   * @param logger default {@link STDERR_LOGGER}.
   */
  constructor(application: AnyApplication | Handler, software: string, logger: Logger = STDERR_LOGGER) {
    const app: AnyApplication = typeof application === "function" ? { fetch: application } : application;
    if (typeof (app as Partial<AnyApplication> | null)?.fetch !== "function") {
      throw new TypeError(
        `An application is a handler function or an object with a fetch method, not ${describe(application)}`,
      );
    }
    this.#application = app;
    this.#info = { software, specVersion: SPEC_VERSION };
    this.logger = guardLogger(logger);
    this.#started = app.startup === undefined;
    // The exchanges of this server carry the state of this application, which is all that Handler<Exchange<State>> asks for.
    const fetch = app.fetch as Handler;
    this.handler = (request, exchange) => fetch.call(app, request, exchange);
  }

  /** What `startup` returned. */
  get state(): unknown {
    return this.#state;
  }

  /** Aborts when the server begins to shut down; one signal for all exchanges. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Whether `draining` has aborted: a plain field, for servers look at it at each response. */
  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Whether requests may be handled: startup has fulfilled, or there is none. */
  get started(): boolean {
    return this.#started;
  }

  /** Runs `startup`, once. @throws what `startup` threw, at each call. */
  start(): Promise<void> {
    return (this.#starting ??= this.#start());
  }

  /**
   * Holds {@link Lifespan.end} until the work has settled. A rejection is logged. It may be called without its object.
   * @throws TypeError for what is no promise.
   */
  readonly waitUntil = (work: Promise<unknown>): void => {
    if (!isPromiseLike(work)) {
      throw new TypeError(
        `waitUntil takes a promise, not ${describe(work)}: call the function and pass what it returns`,
      );
    }
    const settled: Promise<unknown> = Promise.resolve(work)
      .catch((error: unknown) => {
        this.logger.error("Work given to waitUntil failed", error);
      })
      .finally(() => this.#pending.delete(settled));
    this.#pending.add(settled);
  };

  /** Aborts `draining`. Further calls do nothing. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#draining.abort(serverClosed());
  }

  /**
   * Waits for the work given to `waitUntil`, then runs `shutdown`, once; further calls give the first outcome. An application whose
   * startup failed or never ran is not shut down.
   * @param deadline ends the wait for the work when it settles. Default: none.
   * @throws what `shutdown` threw.
   */
  end(deadline: Promise<unknown> = NEVER): Promise<void> {
    return (this.#ending ??= this.#end(deadline));
  }

  /** {@link Lifespan.drain} and {@link Lifespan.end}: for a host that has stopped to accept requests. */
  close(): Promise<void> {
    this.drain();
    return this.end();
  }

  async #start(): Promise<void> {
    this.#state = await this.#application.startup?.(this.#info);
    this.#started = true;
  }

  async #end(deadline: Promise<unknown>): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await Promise.race([this.#settled(), deadline]);
    if (this.#pending.size > 0) {
      this.logger.warn(`Shut down with unfinished work of waitUntil: ${this.#pending.size} promises`);
    }
    if (this.#started) await this.#application.shutdown?.(this.#state as never);
  }

  /** Work may leave more work behind, so the set is read until it is empty. */
  async #settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }
}

/**
 * What an adapter on a foreign host gives to code that leads the application's lifespan there. A shutdown in the order of TSGI-52:
 *
 * ```ts
 * const stopped = once(server.close(), "close"); // the host accepts no further connections
 * listener.drain(); // event streams end, and further responses close their connections
 * await stopped; // the running requests have ended
 * await listener.close(); // `waitUntil`, `shutdown`
 * ```
 */
export interface LifespanHandle {
  /** Runs `startup`, once. The first request does so by itself. Rejects with what `startup` threw. */
  readonly start: () => Promise<void>;
  /**
   * Aborts `draining`, so that event streams end. Responses that begin later get `Connection: close`, where the host sends it; those of
   * event streams have begun, so their connections stay open for the keep-alive timeout of the host. Call it when the host has begun to
   * stop, and does not accept connections. Further calls do nothing.
   */
  readonly drain: () => void;
  /** Aborts `draining`, waits for the work of `waitUntil`, runs `shutdown`; once. Call it when the running requests have ended. */
  readonly close: () => Promise<void>;
}

/** The handle of a lifespan, for adapters on a foreign host. */
export function lifespanHandle(lifespan: Lifespan): LifespanHandle {
  return {
    start: () => lifespan.start(),
    drain: () => {
      lifespan.drain();
    },
    close: () => lifespan.close(),
  };
}

/**
 * `close` of a server, which shuts down once and gives every caller the first outcome (TSGI-53), and the same for `await using`.
 * @param shutDown gets the options of the first call.
 */
export function closable(
  shutDown: (options: CloseOptions) => Promise<void>,
): Pick<Server, "close" | typeof Symbol.asyncDispose> {
  let closing: Promise<void> | undefined;
  const close = (options: CloseOptions = {}) => (closing ??= shutDown(options));
  return { close, [Symbol.asyncDispose]: () => close() };
}

const NEVER = new Promise<never>(() => undefined);
