/** The response that an application makes event by event. */
import type { OutgoingResponse } from "../../index.ts";
import { checkStatus } from "../../server-kit/handler-result.ts";
import { clientDisconnected, exchangeError } from "../../server-kit/refusals.ts";
import { Pieces } from "../pieces.ts";
import { toBody, toFields } from "./scope.ts";
import { type Bytes, outOfOrder, type SentHeaders } from "./types.ts";

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

interface Head {
  readonly status: number;
  readonly headers: [string, string][];
  readonly trailers: boolean;
}

/**
 * - `none`: nothing was sent. `started`: the head was sent, and waits for the first piece of the body.
 * - `body`: more pieces may be sent. `trailers`: the body is complete, and trailers may be sent.
 * - `complete`: all was sent. `disconnected`: the client has gone.
 * - `dropped`: the server needs no content, as for HEAD.
 */
type State = "none" | "started" | "body" | "trailers" | "complete" | "disconnected" | "dropped";

export class AsgiResponse {
  /** Fulfils at the first piece of the body. Rejects with what the application threw before it. */
  readonly response: Promise<OutgoingResponse>;
  /** Fulfils when nothing more can be sent: `http.disconnect`. */
  readonly ended: Promise<void>;
  readonly #response: PromiseWithResolvers<OutgoingResponse> = Promise.withResolvers<OutgoingResponse>();
  readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  readonly #pieces = new Pieces(() => {
    this.#drop();
  });
  readonly #trailers: [string, string][] = [];
  #head: Head | null = null;
  #state: State = "none";

  constructor() {
    this.response = this.#response.promise;
    this.ended = this.#ended.promise;
  }

  /** Whether the rest of what the application does is background work. */
  get isOver(): boolean {
    return this.#state === "complete" || this.#state === "disconnected" || this.#state === "dropped";
  }

  /** Whether all was sent. The ASGI text: "further messages on the channel will be ignored". */
  get isComplete(): boolean {
    return this.#state === "complete";
  }

  /** @throws TypeError if the status or a field cannot be sent. */
  start({ type, status, headers, trailers = false }: Start): void {
    this.#checkConnected();
    if (this.#state !== "none") throw outOfOrder(type, "a second time");
    checkStatus(status);
    this.#head = { status, headers: toFields(headers), trailers };
    this.#state = "started";
  }

  /** Fulfils when the client has taken the piece. */
  async body({ type, body, more_body: more = false }: Body): Promise<void> {
    this.#checkConnected();
    if (this.#head === null) throw outOfOrder(type, "before the start of the response");
    if (this.#state === "trailers") throw outOfOrder(type, "after the end of the body");
    const piece = toBody(body);
    const { status, headers, trailers } = this.#head;
    if (this.#state === "dropped") {
      if (more) throw exchangeError("CLIENT_DISCONNECTED", "The response has no content, so no more of it can be sent");
      this.#complete();
      return;
    }
    if (this.#state === "started") {
      this.#state = "body";
      if (!more && !trailers) {
        this.#complete();
        this.#response.resolve({ status, headers, body: piece.byteLength === 0 ? null : piece });
        return;
      }
      const response: OutgoingResponse = { status, headers, body: this.#pieces };
      this.#response.resolve(trailers ? { ...response, trailers: () => this.#trailers } : response);
    }
    if (piece.byteLength > 0) {
      this.#pieces.push(piece);
      await new Promise<void>((resolve) => {
        this.#pieces.whenTaken(resolve);
      });
    }
    if (more || this.isOver) return;
    if (trailers) this.#state = "trailers";
    else this.#complete();
  }

  trailers({ type, headers, more_trailers: more = false }: Trailers): void {
    this.#checkConnected();
    if (this.#state === "dropped") return;
    if (this.#state !== "trailers") throw outOfOrder(type, "before the end of a body whose start announced trailers");
    this.#trailers.push(...toFields(headers));
    if (!more) this.#complete();
  }

  /** The application has returned, or thrown. */
  finish(error?: unknown): void {
    if (this.isOver) return;
    const reason =
      error === undefined ? new Error("ASGI: the application returned before its response was complete") : error;
    this.#response.reject(reason);
    this.#pieces.fail(
      reason instanceof Error
        ? reason
        : new Error("ASGI: the application threw a value that is not an Error", { cause: reason }),
    );
    this.#ended.resolve();
  }

  disconnect(): void {
    if (this.isOver) return;
    this.#state = "disconnected";
    const error = clientDisconnected();
    this.#response.reject(error);
    this.#pieces.fail(error);
    this.#ended.resolve();
  }

  #complete(): void {
    this.#state = "complete";
    this.#pieces.end();
    this.#ended.resolve();
  }

  /** A server that releases the body while the signal has not aborted needs no content (TSGI-24). */
  #drop(): void {
    if (this.isOver) return;
    this.#state = "dropped";
    this.#pieces.fail(new Error("The response has no content"));
    this.#ended.resolve();
  }

  /** Since version 2.4 of the text, sending to a client that has disconnected raises. */
  #checkConnected(): void {
    if (this.#state === "disconnected") throw clientDisconnected();
  }
}
