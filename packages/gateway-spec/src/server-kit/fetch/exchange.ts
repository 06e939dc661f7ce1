/** One exchange over a web `Request`, for `toFetch` and for servers on hosts that take a function from `Request` to `Response`. */
import type { Exchange, ExchangeError, HeaderView, IncomingRequest, OutgoingResponse } from "../../index.ts";
import { checkField, CONNECTION_FIELDS, eachField, parseContentLength } from "../fields.ts";
import { checkStatus } from "../handler-result.ts";
import { currentScope } from "../handler-scope.ts";
import type { Lifespan } from "../lifespan.ts";
import { clientDisconnected, plainResponse, type PlainResponse } from "../refusals.ts";
import {
  type BodySource,
  cancelUnsentBody,
  ContentCheck,
  hasNoContent,
  isWhole,
  lengthMismatch,
  openBody,
} from "../response-body.ts";
import { ServerExchange } from "../server-exchange.ts";
import { RequestContent } from "./request-content.ts";

/** What the exchanges of one server share. */
export interface FetchHost {
  readonly lifespan: Lifespan;
  /** Longest request content, in bytes. To read beyond it fails with `REQUEST_BODY_TOO_LARGE`: the response is a 413. */
  readonly maxBodyBytes: number;
}

/** A `Request` would fit, except for its signal: hosts abort it with reasons of their own, some of them on success. */
class FetchRequest implements IncomingRequest {
  readonly #request: Request;
  readonly #exchange: FetchExchange;

  constructor(request: Request, exchange: FetchExchange) {
    this.#request = request;
    this.#exchange = exchange;
  }

  get method(): string {
    return this.#request.method;
  }

  get url(): string {
    const { url } = this.#request;
    const fragment = url.indexOf("#");
    return fragment === -1 ? url : url.slice(0, fragment);
  }

  get headers(): HeaderView {
    return this.#request.headers;
  }

  get body(): AsyncIterable<Uint8Array> | null {
    return this.#exchange.content?.queue ?? null;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }
}

/**
 * The exchange and the maker of its `Response`. A subclass has what its host gives beside the `Request`: addresses and encryption.
 */
export abstract class FetchExchange extends ServerExchange {
  readonly tls = null;
  readonly request: IncomingRequest;
  /** What the host gave. */
  protected readonly source: Request;
  protected readonly lifespan: Lifespan;
  /** Whether the host has the response, or the connection. */
  protected handedOver = false;
  readonly #maxBodyBytes: number;
  readonly #response = Promise.withResolvers<Response>();
  #content: RequestContent | null | undefined = undefined;
  /** The stream of a body in pieces, which its host may be reading. */
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #waitsForReader = false;
  #pieces = 0;

  constructor({ lifespan, maxBodyBytes }: FetchHost, source: Request) {
    super();
    this.lifespan = lifespan;
    this.source = source;
    this.#maxBodyBytes = maxBodyBytes;
    this.request = new FetchRequest(source, this);
  }

  /** What the host gets. It never rejects. */
  get response(): Promise<Response> {
    return this.#response.promise;
  }

  /** What hosts do not say. */
  get protocol(): Exchange["protocol"] {
    return "1.1";
  }

  /** What follows the authority of the URL: not parsed, because Deno gives a URL that is not normalized. */
  get target(): string {
    const { url } = this.request;
    const start = url.indexOf("/", url.indexOf("//") + 2);
    return start === -1 ? "/" : url.slice(start);
  }

  /** The request content; `null` where the request has none. */
  get content(): RequestContent | null {
    if (this.#content === undefined) {
      this.#content =
        this.source.body === null
          ? null
          : new RequestContent(this.source, this.#maxBodyBytes, (error) => this.contentError(error));
    }
    return this.#content;
  }

  /** What the exchange waits for from the client: a server measures the idle time of these. */
  get waitingFor(): "content" | "reader" | null {
    if (this.#waitsForReader) return "reader";
    return this.#content?.queue.waiting === true ? "content" : null;
  }

  /** A number that grows with each piece of a response body that the host takes. */
  get pieces(): number {
    return this.#pieces;
  }

  /** Fails the exchange, and the response where it is not sent in full. */
  abort(error: ExchangeError): void {
    if (!this.running) return;
    const { headSent } = this;
    this.fail(error);
    if (headSent) this.terminate();
    else this.#release();
  }

  override respond(response: unknown): void {
    super.respond(response);
    this.#release();
  }

  override handlerFailed(error: unknown): void {
    super.handlerFailed(error);
    this.#release();
  }

  /** A whole body, as the host takes it without a change of the fields. */
  protected toBodyInit(bytes: Uint8Array | null, _headers: Headers): Uint8Array | ReadableStream<Uint8Array> | null {
    return bytes;
  }

  /** Changes the fields of every response, such as by one of the connection. */
  protected finishHeaders(_headers: Headers): void {
    // The fields of the connection are the host's.
  }

  protected override get requestContent(): RequestContent | null {
    return this.#content ?? null;
  }

  protected get headSent(): boolean {
    return this.#controller !== null;
  }

  /** The signal of the host's `Request` has aborted. */
  protected abortedByHost(reason: unknown): void {
    this.fail(clientDisconnected(reason));
  }

  /** Why the host's stream of the content has failed. */
  protected contentError(error: unknown): ExchangeError {
    return clientDisconnected(error);
  }

  /** The connection speaks another protocol now, so the exchange has ended (TSGI-49). The host awaits no response. */
  protected upgraded(): void {
    this.give(undefined as unknown as Response);
  }

  protected override observe(): void {
    const { signal } = this.source;
    const abort = () => {
      this.abortedByHost(signal.reason);
    };
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  }

  protected send(response: OutgoingResponse): void {
    const { status, body } = response;
    checkStatus(status);
    if (hasNoContent(this.source.method, status)) {
      this.give(new Response(null, { status, headers: this.#toHeaders(response) }));
      cancelUnsentBody(body);
      return;
    }
    if (response instanceof Response && !this.observed && !this.lifespan.isDraining) {
      // The host reads a Response of its own the fastest way. It is not seen to end, so only where no code observes that.
      this.give(response);
      return;
    }
    const headers = this.#toHeaders(response);
    const announced = headers.get("content-length");
    const length = announced === null ? -1 : parseContentLength(announced);
    if (body === null || body === undefined || isWhole(body)) {
      // As bytes: a Response made of a string adds a Content-Type.
      const bytes = typeof body === "string" ? new TextEncoder().encode(body) : (body ?? null);
      const given = bytes?.byteLength ?? 0;
      if (length !== -1 && length !== given) throw lengthMismatch(length, given);
      // A view on shared memory is no BodyInit; the contract's bodies are not shared.
      const whole = this.toBodyInit(bytes, headers);
      this.give(new Response(whole as Uint8Array<ArrayBuffer> | null, { status, headers }));
      return;
    }
    this.#response.resolve(new Response(this.#toStream(openBody(body), length), { status, headers }));
  }

  protected sendFailure({ status, headers, body }: PlainResponse): void {
    const fields = new Headers(headers);
    this.finishHeaders(fields);
    this.give(new Response(this.source.method === "HEAD" ? null : body, { status, headers: fields }));
  }

  protected terminate(): void {
    this.#controller?.error(this.failure?.cause ?? this.failure);
  }

  /** Gives the host a response that is at hand as a whole. */
  protected give(response: Response): void {
    this.handedOver = true;
    this.#response.resolve(response);
    this.#sent();
  }

  #sent(): void {
    this.succeed();
    this.#content?.abandon();
  }

  /** The host waits for a response even when the exchange has failed. */
  #release(): void {
    if (this.failure !== null && this.failure.code !== "RESPONSE_FAILED" && !this.headSent) {
      this.sendFailure(plainResponse(500, this.failure.message));
    }
  }

  #toHeaders({ status, headers: fields }: OutgoingResponse): Headers {
    const headers = new Headers();
    if (fields !== undefined) {
      eachField(fields, (name, value) => {
        // Hosts differ in what they refuse, and when.
        checkField(name, value);
        const lower = name.toLowerCase();
        // The fields of the connection are the host's (TSGI-18), and trailers cannot follow.
        if (!CONNECTION_FIELDS.has(lower) && lower !== "trailer") headers.append(name, value);
      });
    }
    if (status === 204) headers.delete("content-length");
    this.finishHeaders(headers);
    return headers;
  }

  /** Pulled by the host, which pulls when the client has read; the BodyWriter of the kit is for sinks that are pushed to. */
  #toStream(source: BodySource, contentLength: number): ReadableStream<Uint8Array> {
    const inScope = currentScope();
    const check: ContentCheck = new ContentCheck(contentLength);
    const turns = new Turns();
    const encoder = new TextEncoder();
    const next = () => source.next();
    this.responseBody = { release: (reason) => source.cancel(reason) };
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.handedOver = true;
          this.#controller = controller;
          void this.signal;
        },
        pull: async (controller) => {
          this.#waitsForReader = false;
          try {
            await turns.next();
            for (;;) {
              const { done, value } = await inScope(next);
              if (done === true) break;
              const bytes = typeof value === "string" ? encoder.encode(value) : value;
              check.piece(bytes);
              if (bytes.length === 0) continue;
              this.#pieces++;
              this.#waitsForReader = true;
              controller.enqueue(bytes);
              return;
            }
            check.end();
            this.responseBody = null;
            this.#sent();
            controller.close();
          } catch (error) {
            this.handlerFailed(error);
          }
        },
        cancel: (reason) => {
          this.fail(clientDisconnected(reason));
        },
      },
      { highWaterMark: 0 },
    );
  }
}

/** How long a body whose pieces are at hand may run before other exchanges get a turn of the event loop, in milliseconds. */
const TURN_MS = 5;

class Turns {
  #since = performance.now();

  /** Gives a turn to others where this body has run for long enough. */
  async next(): Promise<void> {
    if (performance.now() - this.#since < TURN_MS) return;
    await new Promise<void>((resolve) => {
      // Workers have no setImmediate.
      if (typeof setImmediate === "function") setImmediate(resolve);
      else setTimeout(resolve, 0);
    });
    this.#since = performance.now();
  }
}
