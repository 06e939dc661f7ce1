/** How one exchange ends, and who is notified of it in which order (TSGI-13, 30, 40). */
import type { ExchangeError } from "../index.ts";

/** Notified when an exchange fails: a {@link BodyWriter}, for one. */
export interface Releasable {
  release(reason: ExchangeError): void;
}

/** Notified when an exchange fails: a {@link BodyQueue}, for one. */
export interface FailableContent {
  fail(error: ExchangeError): void;
}

/**
 * The base class of an exchange: running, then sent or failed. `signal` and `completed` are made when they are first touched.
 *
 * The initial values stand on the prototype, and nothing here is private by `#`: V8 does not inline `super()`, and calls no constructor
 * of a base class that has neither fields nor private methods. That took 8% of a pipelined request.
 */
export class ExchangeState {
  /** The body that is being sent. */
  declare responseBody: Releasable | null;
  declare private outcome: "running" | "sent" | ExchangeError;
  declare private controller: AbortController | null;
  declare private completion: PromiseWithResolvers<void> | null;
  declare private watched: boolean;

  static {
    Object.assign(this.prototype, {
      responseBody: null,
      outcome: "running",
      controller: null,
      completion: null,
      watched: false,
    });
  }

  /** `request.signal`. */
  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController();
      this.watch();
      if (typeof this.outcome === "object") this.controller.abort(this.outcome);
    }
    return this.controller.signal;
  }

  /** `exchange.completed`. It causes no unhandled rejection. */
  get completed(): Promise<void> {
    if (this.completion === null) {
      this.completion = Promise.withResolvers<void>();
      this.completion.promise.catch(() => undefined);
      this.watch();
      this.settle();
    }
    return this.completion.promise;
  }

  get running(): boolean {
    return this.outcome === "running";
  }

  get failure(): ExchangeError | null {
    return typeof this.outcome === "object" ? this.outcome : null;
  }

  /** Whether `completed` was touched: its end has to be noticed exactly. */
  get awaited(): boolean {
    return this.completion !== null;
  }

  /** Whether `signal` or `completed` was touched. */
  get observed(): boolean {
    return this.watched;
  }

  /** The response was sent in full. Only the first outcome counts. */
  succeed(): void {
    if (this.outcome !== "running") return;
    this.outcome = "sent";
    this.settle();
  }

  /**
   * Only the first outcome counts. In this order: `signal` aborts, the body that is being sent is released, `completed` rejects, and
   * the reader of the request content gets the error.
   */
  fail(error: ExchangeError): void {
    if (this.outcome !== "running") return;
    this.outcome = error;
    this.controller?.abort(error);
    this.responseBody?.release(error);
    this.settle();
    this.requestContent?.fail(error);
  }

  /** The request content that is being read; `null` where there is none. */
  protected get requestContent(): FailableContent | null {
    return null;
  }

  /** Called once, when `signal` or `completed` is first touched: a host that watches its connection on demand starts here. */
  protected observe(): void {
    // Nothing to start: the server watches every connection.
  }

  private watch(): void {
    if (this.watched) return;
    this.watched = true;
    if (this.outcome === "running") this.observe();
  }

  private settle(): void {
    if (this.completion === null || this.outcome === "running") return;
    if (this.outcome === "sent") this.completion.resolve();
    else this.completion.reject(this.outcome);
  }
}
