/** The response that an application makes event by event. */
import { exchangeError } from "../../server-kit/refusals.ts";
import type { OutgoingResponse } from "../../index.ts";
import { toBody, toFields } from "./scope.ts";
import { type Bytes, outOfOrder, type SentHeaders } from "./types.ts";
import { Pieces } from "../pieces.ts";

interface Start {
  readonly type: string;
  readonly status: number;
  readonly headers?: SentHeaders;
  readonly trailers?: boolean;
}

interface Body {
  readonly type: string;
  readonly body?: Bytes;
  readonly more_body?: boolean;
}

interface Trailers {
  readonly type: string;
  readonly headers: SentHeaders;
  readonly more_trailers?: boolean;
}

export class AsgiResponse {
  /** The response, once there was a first piece of its body; rejects with what the application threw before that. */
  readonly answer: Promise<OutgoingResponse>;
  /** Fulfils when nothing more is to be sent, or nobody takes it any more. */
  readonly over: Promise<void>;
  readonly #answered: PromiseWithResolvers<OutgoingResponse> = Promise.withResolvers<OutgoingResponse>();
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  // A server that drops the body and did not abort the signal has no use for it (HEAD, 304): the rest is let go in silence.
  readonly #pieces = new Pieces(() => {
    this.#isDropped = true;
    this.#pieces.fail(new Error("The response has no content"));
  });
  #isDropped = false;
  readonly #trailers: [string, string][] = [];
  #start: Start | null = null;
  #state: "none" | "started" | "answered" | "trailers" | "complete" | "gone" = "none";

  constructor() {
    this.answer = this.#answered.promise;
    this.over = this.#ended.promise;
  }

  get isComplete(): boolean {
    return this.#state === "complete" || this.#state === "gone";
  }

  start(event: Start): void {
    this.#refuseGone();
    if (this.#state !== "none") throw outOfOrder(event, "a second time");
    this.#start = event;
    this.#state = "started";
  }

  /** Fulfils when the client has taken the piece. */
  async body(event: Body): Promise<void> {
    this.#refuseGone();
    if (this.#start === null) throw outOfOrder(event, "before the start of the response");
    if (this.#state !== "started" && this.#state !== "answered") throw outOfOrder(event, "after the end of the body");
    const piece = toBody(event.body);
    const more = event.more_body ?? false;
    const { status, headers, trailers = false } = this.#start;
    if (this.#state === "started") {
      const fields = toFields(headers);
      this.#state = "answered";
      if (!more && !trailers) {
        this.#complete();
        this.#answered.resolve({ status, headers: fields, body: piece.byteLength === 0 ? null : piece });
        return;
      }
      const response: OutgoingResponse = { status, headers: fields, body: this.#pieces };
      this.#answered.resolve(trailers ? { ...response, trailers: () => this.#trailers } : response);
    }
    if (piece.byteLength > 0 && !this.#isDropped) {
      this.#pieces.push(piece);
      await new Promise<void>((resolve) => {
        this.#pieces.whenTaken(resolve);
      });
    }
    if (more || this.#isGone()) return;
    if (trailers) this.#state = "trailers";
    else this.#complete();
  }

  trailers(event: Trailers): void {
    this.#refuseGone();
    if (this.#state !== "trailers") throw outOfOrder(event, "before the end of a body whose start announced trailers");
    this.#trailers.push(...toFields(event.headers));
    if (event.more_trailers !== true) this.#complete();
  }

  /** The application has returned, or thrown. */
  finish(error?: unknown): void {
    if (this.isComplete) return;
    const reason =
      error === undefined ? new Error("ASGI: the application returned before its response was complete") : error;
    this.#answered.reject(reason);
    this.#pieces.fail(
      reason instanceof Error ? reason : new Error("ASGI: the application threw what is no Error", { cause: reason }),
    );
    this.#ended.resolve();
  }

  /** The client went away. */
  gone(): void {
    if (this.isComplete) return;
    this.#state = "gone";
    const error = exchangeError("CLIENT_DISCONNECTED", "The client went away");
    this.#answered.reject(error);
    this.#pieces.fail(error);
    this.#ended.resolve();
  }

  #complete(): void {
    this.#state = "complete";
    this.#pieces.end();
    this.#ended.resolve();
  }

  #isGone(): boolean {
    return this.#state === "gone";
  }

  /** Version 2.4 of the text: sending on a closed connection raises. */
  #refuseGone(): void {
    if (this.#isGone()) throw exchangeError("CLIENT_DISCONNECTED", "The client went away; nothing more can be sent");
  }
}
