/** The state of one exchange that the checks of both sides share. */
import type { BodyWatch } from "./response-body.ts";
import { isPromiseLike } from "../server-kit/handler-result.ts";
import { type Reporter, show } from "./report.ts";
import { isAbortSignal, isExchangeError, member, whenAborted } from "./values.ts";

/** The failures of an exchange whose client gets no response in full. */
const NO_RESPONSE: ReadonlySet<string> = new Set(["CLIENT_DISCONNECTED", "RESPONSE_TIMEOUT", "SERVER_CLOSED"]);

export class ExchangeWatch {
  /** The handler has returned or thrown. */
  responded = false;
  /** `upgradeWebSocket` was called. */
  upgraded = false;
  /** The streamed body of the response. */
  body: BodyWatch | null = null;
  readonly signal: AbortSignal | null;
  readonly #forget: (watch: ExchangeWatch) => void;
  #outcome: "none" | "fulfilled" | "rejected" = "none";

  /** @param forget called when there is nothing left to check. */
  constructor(report: Reporter, signal: unknown, completed: unknown, forget: (watch: ExchangeWatch) => void) {
    this.#forget = forget;
    this.signal = isAbortSignal(signal) ? signal : null;
    if (this.signal !== null) this.#watchSignal(report, this.signal);
    if (isPromiseLike(completed)) this.#watchCompleted(report, completed);
  }

  get aborted(): boolean {
    return this.signal?.aborted === true;
  }

  /** The signal has aborted for a reason after which no response is sent in place of the handler's. */
  get #isClientGone(): boolean {
    const reason: unknown = this.signal?.reason;
    return reason instanceof Error && NO_RESPONSE.has(String(member(reason, "code")));
  }

  /** Called when the handler has returned and when the body is closed. */
  readonly check = (): void => {
    if (this.responded && this.#outcome !== "none" && (this.body === null || this.body.closed)) this.#forget(this);
  };

  /** Called at shutdown. */
  finish(report: Reporter): void {
    if (this.body !== null && !this.body.closed && (this.aborted || this.#outcome !== "none")) {
      report.later("body-not-released", "a response body that was neither read to its end nor released");
    } else if (!this.aborted && (!this.responded || this.body?.closed === false)) {
      report.later(
        "shutdown-early",
        this.responded ? "a response that was not sent in full" : "a handler that has not returned",
      );
    }
  }

  #watchSignal(report: Reporter, signal: AbortSignal): void {
    whenAborted(signal, () => {
      if (!isExchangeError(signal.reason)) report.later("signal-reason", show(signal.reason));
      if (this.#outcome === "fulfilled") report.later("signal-after-success", "an abort after completed had fulfilled");
    });
  }

  #watchCompleted(report: Reporter, completed: PromiseLike<unknown>): void {
    completed.then(
      // oxlint-disable-next-line promise/always-return -- nothing comes after it
      () => {
        this.#outcome = "fulfilled";
        if (!this.responded) report.later("completed-early", "completed fulfilled before the handler returned");
        else if (this.body?.complete === false && !this.aborted)
          report.later("completed-early", "completed fulfilled before the end of the body");
        if (this.#isClientGone) report.later("completed-and-signal", "completed fulfilled, and no response was sent");
        this.check();
      },
      (reason: unknown) => {
        this.#outcome = "rejected";
        if (!isExchangeError(reason)) report.later("completed-reason", show(reason));
        if (this.signal?.aborted === false) {
          report.later("completed-and-signal", "completed rejected, and signal did not abort");
        }
        this.check();
      },
    );
  }
}
