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
  /** Of the response that the server sends in place of the handler's; `null` while there is none. */
  declare private replacement: "running" | "sent" | ExchangeError | null;
  declare private controller: AbortController | null;
  declare private completion: PromiseWithResolvers<void> | null;
  declare private watched: boolean;

  static {
    Object.assign(this.prototype, {
      responseBody: null,
      outcome: "running",
      replacement: null,
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

  /** The response, or the one in its place, was sent in full. Only the first outcome counts. */
  succeed(): void {
    if (this.outcome === "running") this.outcome = "sent";
    else if (this.replacement === "running") this.replacement = "sent";
    else return;
    this.settle();
  }

  /**
   * Only the first outcome counts. In this order: `signal` aborts, the body that is being sent is released, `completed` rejects, and
   * the reader of the request content gets the error.
   */
  fail(error: ExchangeError): void {
    if (this.outcome === "running") {
      this.abandon(error);
      this.settle();
      this.requestContent?.fail(error);
    } else if (this.replacement === "running") {
      this.replacement = error;
      this.settle();
    }
  }

  /**
   * The exchange fails before a head was sent, and the server sends a response in place of the handler's: `signal` aborts, and
   * `completed` waits for that response (TSGI-30).
   */
  replace(error: ExchangeError): void {
    if (this.outcome !== "running") return;
    this.replacement = "running";
    this.abandon(error);
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
    if (this.outcome === "running" || this.replacement === "running") this.observe();
  }

  private abandon(error: ExchangeError): void {
    this.outcome = error;
    this.controller?.abort(error);
    this.responseBody?.release(error);
  }

  private settle(): void {
    const sending = this.replacement ?? this.outcome;
    if (this.completion === null || sending === "running") return;
    if (sending === "sent") this.completion.resolve();
    else this.completion.reject(sending);
  }
}
