/** One request with its response. What an application may ask for is here; the capabilities that are optional are left out. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Address, Exchange, ExchangeError, Handler, Logger, OutgoingResponse } from "@tsgi/gateway-spec";
import {
  type BodySource,
  cancelBody,
  eachField,
  exchangeError,
  FieldView,
  isWhole,
  openBody,
} from "@tsgi/gateway-spec/server-kit";
import { drainContent, isRefused, hasContent, readContent } from "./content.ts";
import { frame } from "./head.ts";

/** What the exchanges of one server share. */
export interface Life {
  readonly state: unknown;
  readonly draining: AbortSignal;
  readonly waitUntil: (work: Promise<unknown>) => void;
  readonly logger: Logger;
  readonly bodyTimeoutMs: number;
}

export class BareExchange implements Exchange {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #life: Life;
  readonly #awaitsContinue: boolean;
  readonly #failing = new AbortController();
  readonly #outcome = Promise.withResolvers<void>();
  #source: BodySource | null = null;
  #over = false;

  constructor(req: IncomingMessage, res: ServerResponse, life: Life, awaitsContinue: boolean) {
    this.#req = req;
    this.#res = res;
    this.#life = life;
    this.#awaitsContinue = awaitsContinue;
    // Nobody has to ask how it ended: a failure is no unhandled rejection.
    this.#outcome.promise.catch(() => undefined);
    res.once("close", () => {
      if (!res.writableFinished) this.fail(exchangeError("CLIENT_DISCONNECTED", "The client went away"));
      this.#over = true;
      this.#outcome.resolve();
    });
  }

  get target(): string {
    return this.#req.url ?? "/";
  }

  get protocol(): "1.0" | "1.1" {
    return this.#req.httpVersion === "1.0" ? "1.0" : "1.1";
  }

  get encrypted(): boolean {
    return false;
  }

  get tls(): null {
    return null;
  }

  get peerAddress(): Address | null {
    return toAddress(this.#req.socket.remoteAddress, this.#req.socket.remotePort);
  }

  /** No proxy is trusted, so it is the peer. */
  get remoteAddress(): Address | null {
    return this.peerAddress;
  }

  get localAddress(): Address | null {
    return toAddress(this.#req.socket.localAddress, this.#req.socket.localPort);
  }

  get state(): unknown {
    return this.#life.state;
  }

  get draining(): AbortSignal {
    return this.#life.draining;
  }

  get completed(): Promise<void> {
    return this.#outcome.promise;
  }

  waitUntil(work: Promise<unknown>): void {
    this.#life.waitUntil(work);
  }

  /** Answers the request; settles when all is over. Never rejects. */
  async run(handler: Handler): Promise<void> {
    const req = this.#req;
    const res = this.#res;
    if (isRefused(req, res)) return;
    const request = {
      method: req.method ?? "GET",
      url: this.target.startsWith("/") ? `http://${req.headers.host ?? "localhost"}${this.target}` : this.target,
      headers: new FieldView(req.rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text))),
      body: hasContent(req) ? readContent(req, this.#life.bodyTimeoutMs, () => this.#askForContent()) : null,
      signal: this.#failing.signal,
    };
    try {
      await this.#respond(await handler(request, this));
    } catch (error) {
      this.#life.logger.error(`${req.method} ${this.target} failed`, error);
      this.fail(exchangeError("RESPONSE_FAILED", "The response could not be made", error));
      // Before the head is out there is a 500 to answer with; then only a cut that no client takes for an end.
      if (res.headersSent) req.socket.resetAndDestroy();
      else await this.#respond({ status: 500, body: "Internal Server Error\n" });
    }
    await this.completed.catch(() => undefined);
  }

  /** Only the first failure counts. In this order: the signal, the body that was being sent, `completed`. */
  fail(error: ExchangeError): void {
    if (this.#over) return;
    this.#over = true;
    this.#failing.abort(error);
    this.#source?.cancel(error);
    this.#outcome.reject(error);
  }

  #askForContent(): void {
    if (this.#awaitsContinue && !this.#res.headersSent) this.#res.writeContinue();
  }

  async #respond(response: OutgoingResponse): Promise<void> {
    const res = this.#res;
    const { body = null, trailers } = response;
    // Whatever breaks a rule is found before the head is out.
    const { lines, empty, sendsTrailers } = frame(response, this.#req.method ?? "GET", this.protocol);
    const source = empty || body === null || isWhole(body) ? null : openBody(body);
    if (this.draining.aborted) lines.push("connection", "close");
    res.strictContentLength = true;
    res.writeHead(response.status, lines);

    if (empty) cancelBody(body, new Error("This response has no content"));
    else if (source !== null) await this.#send(source);
    else if (body !== null && isWhole(body)) res.write(toBytes(body));

    if (trailers !== undefined && sendsTrailers && !res.destroyed) {
      const pairs: [string, string][] = [];
      eachField(await trailers(), (name, value) => void pairs.push([name, value]));
      res.addTrailers(pairs);
    }
    drainContent(this.#req);
    res.end();
  }

  /** A body in pieces: in order, none held back for the next, and none asked for that the client does not take. */
  async #send(source: BodySource): Promise<void> {
    const res = this.#res;
    if (res.destroyed) {
      source.cancel(this.#failing.signal.reason);
      return;
    }
    let wake = Promise.withResolvers<void>();
    const onEvent = () => {
      wake.resolve();
    };
    res.on("drain", onEvent).on("close", onEvent);
    this.#source = source;
    // Sends the head. flushHeaders() would send it as UTF-8, and a field value is a byte a character.
    res.write("", "latin1");
    while (!res.destroyed) {
      const { done, value } = await source.next();
      if (done === true || res.destroyed) break;
      wake = Promise.withResolvers<void>();
      if (!res.write(toBytes(value))) await wake.promise;
    }
    this.#source = null;
  }
}

/** For the same reason: node writes the head in the encoding of the string that comes with it. */
function toBytes(piece: unknown): unknown {
  return typeof piece === "string" ? Buffer.from(piece) : piece;
}

function toAddress(hostname: string | undefined, port: number | undefined): Address | null {
  return hostname === undefined || port === undefined ? null : { transport: "tcp", hostname, port };
}
