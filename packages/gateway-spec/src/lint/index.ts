/**
 * Checks an application and the server that runs it against SPEC.md, at run time. It is middleware: it acts as the application towards
 * the server, and as the server towards the application. It is for tests and development, because it copies chunks and reads every
 * member. A program that does not use it does not pay for it.
 *
 * @module @tsgi/gateway-spec/lint
 */
import type { Application, Exchange, Handler, IncomingRequest, ServerInfo } from "../index.ts";
import { lintExchange } from "./exchange.ts";
import { type Violation, type Reporter, show, toReporter } from "./report.ts";
import { lintRequest } from "./request.ts";
import { lintResponse } from "./response.ts";
import { isAbortSignal, isExchangeError, isObject, member, whenAborted } from "./values.ts";
import { ExchangeWatch } from "./watch.ts";

export { type Check, type CheckName, checks } from "./checks.ts";
export { type Violation, LintError } from "./report.ts";

/** What happens at a violation. */
export interface LintOptions {
  /**
   * Called for each violation; the exchange continues. Default: the call that violates a rule throws a {@link LintError}, so that a
   * client gets a 500 and a test fails. A violation outside of a call is written by `console.error`.
   */
  readonly report?: (violation: Violation) => void;
}

/**
 * The application, checked from both sides. It always has `startup` and `shutdown`, because their order is checked too. After a
 * shutdown it may be started again.
 */
export function lint<State>(application: Application<State> | Handler, options: LintOptions = {}): Application<State> {
  const report = toReporter(options.report);
  const inner: Application<State> = typeof application === "function" ? { fetch: application } : application;
  const sentBodies = new WeakSet<object>();
  const watches = new Set<ExchangeWatch>();
  const draining = new DrainingWatch(report);
  let phase: "new" | "starting" | "serving" | "closed" = "new";
  // Without a startup there is no state, and State is unknown or undefined.
  let state = undefined as State;

  return {
    async startup(server) {
      if (phase === "starting" || phase === "serving") report.now("startup-once", "a second call");
      checkServerInfo(report, server);
      phase = "starting";
      draining.forget();
      try {
        state = (await inner.startup?.(server)) as State;
        phase = "serving";
      } catch (error) {
        phase = "new";
        throw error;
      }
      return state;
    },

    async fetch(request: IncomingRequest, exchange: Exchange<State>) {
      if (phase === "closed") report.now("fetch-after-shutdown", "a fetch");
      else if (phase !== "serving") report.now("fetch-before-startup", "a fetch");
      if (exchange.state !== state) report.now("state-identity", `${show(exchange.state)} as exchange.state`);
      const watch = new ExchangeWatch(report, request.signal, exchange.completed, (over) => watches.delete(over));
      const linted = lintExchange(report, exchange, request, watch);
      draining.see(exchange.draining);
      const lintedRequest = lintRequest(report, request, exchange);
      watches.add(watch);
      try {
        const response = await inner.fetch(lintedRequest, linted);
        return lintResponse(report, response, { request, watch, sentBodies });
      } finally {
        watch.responded = true;
        watch.check();
      }
    },

    async shutdown(lastState) {
      if (phase !== "serving")
        report.now("shutdown-once", phase === "closed" ? "a second call" : "a call before startup");
      if (lastState !== state) report.now("state-identity", `${show(lastState)} as the argument of shutdown`);
      phase = "closed";
      for (const watch of watches) watch.finish(report);
      watches.clear();
      await inner.shutdown?.(state);
    },
  };
}

function checkServerInfo(report: Reporter, server: ServerInfo): void {
  const software = isObject(server) ? member(server, "software") : undefined;
  const version = isObject(server) ? member(server, "specVersion") : undefined;
  if (typeof software !== "string" || typeof version !== "string" || !/^\d+\.\d+$/.test(version)) {
    report.now(
      "server-info",
      isObject(server) ? `software ${show(software)}, specVersion ${show(version)}` : show(server),
    );
  }
}

/** The one `draining` signal of a server. */
class DrainingWatch {
  readonly #report: Reporter;
  #signal: AbortSignal | null = null;

  constructor(report: Reporter) {
    this.#report = report;
  }

  see(signal: unknown): void {
    if (!isAbortSignal(signal) || signal === this.#signal) return;
    if (this.#signal !== null) this.#report.now("draining-shared", "another signal than that of the last exchange");
    this.#signal = signal;
    whenAborted(signal, () => {
      if (!isExchangeError(signal.reason) || member(signal.reason as object, "code") !== "SERVER_CLOSED") {
        this.#report.later("draining-reason", show(signal.reason));
      }
    });
  }

  /** Called at startup: a server that starts the application again has another signal. */
  forget(): void {
    this.#signal = null;
  }
}
