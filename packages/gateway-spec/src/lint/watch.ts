/** What the lint remembers of one exchange: the parts that its two sides see of each other. */
import type { BodyWatch } from "./response-body.ts";
import type { Reporter } from "./report.ts";
import { show } from "./report.ts";
import { isAbortSignal, isExchangeError, isPromise, whenAborted } from "./values.ts";

export class ExchangeWatch {
  /** The handler has returned or thrown. */
  answered = false;
  /** `upgradeWebSocket` was called. */
  upgraded = false;
  /** The response's body, where it comes in pieces. */
  body: BodyWatch | null = null;
  readonly signal: AbortSignal | null;
  readonly #forget: (watch: ExchangeWatch) => void;
  #outcome: "none" | "fulfilled" | "rejected" = "none";

  /** @param forget called when nothing is left to be seen. */
  constructor(report: Reporter, signal: unknown, completed: unknown, forget: (watch: ExchangeWatch) => void) {
    this.#forget = forget;
    this.signal = isAbortSignal(signal) ? signal : null;
    if (this.signal !== null) this.#watchSignal(report, this.signal);
    if (isPromise(completed)) this.#watchCompleted(report, completed);
  }

  get aborted(): boolean {
    return this.signal?.aborted === true;
  }

  /** Called when the handler has answered and when the body is closed. */
  readonly moved = (): void => {
    if (this.answered && this.#outcome !== "none" && (this.body === null || this.body.closed)) this.#forget(this);
  };

  /** Called at shutdown. */
  finish(report: Reporter): void {
    if (this.body !== null && !this.body.closed && (this.aborted || this.#outcome !== "none")) {
      report.later("body-not-released", "a response body that was neither read to its end nor cancelled");
    } else if (!this.aborted && (!this.answered || this.body?.closed === false)) {
      report.later(
        "shutdown-early",
        this.answered ? "a response that is still being sent" : "a handler that still runs",
      );
    }
  }

  #watchSignal(report: Reporter, signal: AbortSignal): void {
    whenAborted(signal, () => {
      if (!isExchangeError(signal.reason)) report.later("signal-reason", show(signal.reason));
      if (this.#outcome === "fulfilled") report.later("signal-after-success", "an abort after completed had fulfilled");
    });
  }

  #watchCompleted(report: Reporter, completed: Promise<unknown>): void {
    completed.then(
      // oxlint-disable-next-line promise/always-return -- nothing comes after it
      () => {
        this.#outcome = "fulfilled";
        if (!this.answered) report.later("completed-early", "it fulfilled before the handler answered");
        else if (this.body?.complete === false) report.later("completed-early", "it fulfilled before the body's end");
        if (this.aborted) report.later("completed-and-signal", "signal aborted, and completed fulfilled");
        this.moved();
      },
      (reason: unknown) => {
        this.#outcome = "rejected";
        if (!isExchangeError(reason)) report.later("completed-reason", show(reason));
        if (this.signal?.aborted === false) {
          report.later("completed-and-signal", "completed rejected, and signal did not abort");
        }
        this.moved();
      },
    );
  }
}
