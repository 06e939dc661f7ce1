/**
 * `fromNode`: a `(req, res)` listener, such as an Express app, as a TSGI application.
 *
 * Express gives `req` and `res` prototypes of its own, which inherit from node's; so they are node's own IncomingMessage and
 * ServerResponse here, with every event and method, on a socket that is none: what the response writes to it is read back.
 */
import { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Application, Exchange, HeaderView, IncomingRequest, OutgoingResponse } from "../../index.ts";
import { WireReader } from "./wire-reader.ts";
import { Pieces } from "../pieces.ts";

/**
 * Runs a listener on any TSGI server.
 *
 * ```ts
 * import { fromNode } from "@tsgi/gateway-spec/node";
 * import express from "express";
 *
 * const app = express().get("/", (req, res) => void res.send(`Hello ${req.ip}\n`));
 * export const application = fromNode(app);
 * ```
 *
 * `req.socket` has the addresses and `encrypted` of the exchange; its time-outs do nothing, for they are the server's. A
 * listener that destroys `res` or the socket before the head is out is answered with 500, later with a broken connection.
 */
export function fromNode(listener: (req: IncomingMessage, res: ServerResponse) => unknown): Application {
  return {
    fetch: (request, exchange) =>
      new Promise((resolve, reject) => {
        const socket = new ExchangeSocket(request, exchange, resolve, reject);
        const req = toIncomingMessage(request, exchange, socket);
        const res = new ServerResponse(req);
        // The server below dates and frames the response; chunks are how trailers come out.
        res.sendDate = false;
        res.useChunkedEncodingByDefault = true;
        res.assignSocket(socket as unknown as Socket);
        // node's server passes these on; without one nobody does.
        socket.on("drain", () => {
          if (res.writableNeedDrain) res.emit("drain");
        });
        const gone = () => {
          if (res.writableFinished) return;
          req.destroy(Object.assign(new Error("aborted"), { code: "ECONNRESET" }));
          socket.destroy();
        };
        const { signal } = request;
        signal.addEventListener("abort", gone, { once: true });
        res.once("close", () => {
          signal.removeEventListener("abort", gone);
        });
        res.once("finish", () => {
          socket.finished();
          dropRest(req);
          // node's response emits its "close" when its socket does.
          socket.destroy();
        });
        try {
          Promise.resolve(listener(req, res)).catch((error: unknown) => socket.destroy(toError(error)));
        } catch (error) {
          socket.destroy(toError(error));
        }
      }),
  };
}

/** What stands where a connection would: it hears the response and answers for the addresses. */
class ExchangeSocket extends Duplex {
  readonly #exchange: Exchange;
  readonly #wire: WireReader;
  readonly #answer: (response: OutgoingResponse) => void;
  readonly #refuse: (error: Error) => void;
  readonly #pieces = new Pieces(() => this.destroy());
  #head: { readonly status: number; readonly headers: readonly [string, string][] } | null = null;
  #trailers: readonly [string, string][] = [];
  #answered = false;

  constructor(
    { method }: IncomingRequest,
    exchange: Exchange,
    answer: (response: OutgoingResponse) => void,
    refuse: (error: Error) => void,
  ) {
    super();
    this.#exchange = exchange;
    this.#answer = answer;
    this.#refuse = refuse;
    this.#wire = new WireReader(method, {
      head: (status, lines) => {
        if (status >= 200) this.#head = { status, headers: lines };
        else if (status > 101) exchange.sendInformational?.(status, lines);
      },
      content: (piece) => {
        this.#pieces.push(piece);
      },
      end: (trailers) => {
        this.#trailers = trailers;
        this.#pieces.end();
      },
    });
    // Whoever waits hears of it by the response; without a listener the error would be an uncaught one.
    this.on("error", () => undefined);
  }

  get remoteAddress(): string | undefined {
    const address = this.#exchange.remoteAddress;
    return address?.transport === "tcp" ? address.hostname : undefined;
  }

  get remotePort(): number | undefined {
    const address = this.#exchange.remoteAddress;
    return address?.transport === "tcp" ? address.port : undefined;
  }

  get remoteFamily(): string | undefined {
    const { remoteAddress } = this;
    return remoteAddress === undefined ? undefined : remoteAddress.includes(":") ? "IPv6" : "IPv4";
  }

  get localAddress(): string | undefined {
    const address = this.#exchange.localAddress;
    return address?.transport === "tcp" ? address.hostname : undefined;
  }

  get localPort(): number | undefined {
    const address = this.#exchange.localAddress;
    return address?.transport === "tcp" ? address.port : undefined;
  }

  get encrypted(): boolean {
    return this.#exchange.encrypted;
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  destroySoon(): void {
    this.destroy();
  }

  /** The response has been written to its end. */
  finished(): void {
    this.#pieces.end();
  }

  override _read(): void {
    // A request's content comes by its own way.
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, taken: (error?: Error) => void): void {
    this.#take(bytes, taken);
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], taken: (error?: Error) => void): void {
    this.#take(Buffer.concat(chunks.map(({ chunk }) => chunk)), taken);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const reason = error ?? new Error("The response was destroyed before its end");
    this.#pieces.fail(reason);
    if (!this.#answered) this.#refuse(reason);
    done(error);
  }

  #take(bytes: Buffer, taken: (error?: Error) => void): void {
    this.#wire.push(bytes);
    if (this.#head !== null && !this.#answered) {
      this.#answered = true;
      const { status, headers } = this.#head;
      this.#answer({
        status,
        headers: headers.filter(([name]) => !OF_THE_CONNECTION.has(name.toLowerCase())),
        // What came at once goes at once.
        body: this.#pieces.isEmpty() ? null : (this.#pieces.whole() ?? this.#pieces),
        ...(headers.some(([name]) => name.toLowerCase() === "trailer") ? { trailers: () => this.#trailers } : {}),
      });
    }
    this.#pieces.whenTaken(taken);
  }
}

const OF_THE_CONNECTION: ReadonlySet<string> = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade"]);

function toIncomingMessage(request: IncomingRequest, exchange: Exchange, socket: ExchangeSocket): IncomingMessage {
  const req = new IncomingMessage(socket as unknown as Socket);
  req.method = request.method;
  req.url = exchange.target;
  req.httpVersion = exchange.protocol === "2" ? "2.0" : exchange.protocol;
  req.httpVersionMajor = exchange.protocol === "2" ? 2 : 1;
  req.httpVersionMinor = exchange.protocol === "1.1" ? 1 : 0;
  setFields(req, request.headers);
  const { body } = request;
  if (body === null) {
    req.complete = true;
    req.push(null);
    return req;
  }
  const iterator = body[Symbol.asyncIterator]();
  let reading = false;
  let arrived = false;
  const pull = async (): Promise<void> => {
    try {
      for (;;) {
        const piece = await iterator.next();
        // The response may have been complete before the request was.
        if (req.complete || req.destroyed) return;
        if (piece.done === true) break;
        // A request asks again only when it has run full: node's parser pushes.
        reading = req.push(piece.value);
        if (!reading) return;
      }
      arrived = true;
      await setTrailers(req, request);
      req.complete = true;
      req.push(null);
    } catch (error) {
      req.destroy(toError(error));
    }
  };
  // On the object itself: a prototype of Express's comes between it and any class of ours.
  Object.assign(req, {
    _read: () => {
      if (reading || req.complete) return;
      reading = true;
      void pull();
    },
  });
  req.once("close", () => {
    if (!arrived) iterator.return?.().catch(() => undefined);
  });
  return req;
}

function setFields(req: IncomingMessage, fields: HeaderView): void {
  const headers: IncomingMessage["headers"] = {};
  for (const [name, value] of fields) {
    req.rawHeaders.push(name, value);
    if (name === "set-cookie") (headers["set-cookie"] ??= []).push(value);
    else headers[name] = value;
  }
  req.headers = headers;
  Object.defineProperty(req, "headersDistinct", {
    configurable: true,
    get: () => {
      const distinct: Record<string, string[]> = {};
      for (const [name, value] of fields) (distinct[name] ??= []).push(value);
      return distinct;
    },
  });
}

async function setTrailers(req: IncomingMessage, request: IncomingRequest): Promise<void> {
  if (request.trailers === undefined) return;
  const trailers: Record<string, string> = {};
  for (const [name, value] of await request.trailers) {
    req.rawTrailers.push(name, value);
    trailers[name] = value;
  }
  req.trailers = trailers;
}

/** Ends a request that was not read to its end, as node does after the response: with "end" and "close", not with an error. */
function dropRest(req: IncomingMessage): void {
  if (req.readableEnded || req.destroyed) return;
  if (!req.complete) {
    req.complete = true;
    req.push(null);
  }
  req.resume();
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
