/** An exchange on a transport of your own, here node:http: what `ServerExchange` of the kit leaves to the transport. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type {
  Address,
  ExchangeError,
  HeaderFields,
  HeaderView,
  IncomingRequest,
  OutgoingResponse,
} from "@tsgi/gateway-spec";
import * as kit from "@tsgi/gateway-spec/server-kit";
import type { NodeHost } from "@tsgi/gateway-spec/server-kit/node";

export class BareExchange extends kit.ServerExchange implements kit.BodySink {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly encrypted = false;
  readonly tls = null;
  readonly request: IncomingRequest;
  readonly content: kit.BodyQueue | null;
  protected readonly lifespan: kit.Lifespan;
  #writer: kit.BodyWriter | null = null;
  #head: { readonly status: number; readonly lines: string[] } = { status: 500, lines: [] };
  /** How much unread content may still be dropped; `null` until the response has ended. */
  #dropBytes: number | null = null;
  readonly #maxDropBytes: number;

  constructor(req: IncomingMessage, res: ServerResponse, host: NodeHost, awaitsContinue = false) {
    super();
    this.lifespan = host.lifespan;
    this.req = req;
    this.res = res;
    this.#maxDropBytes = host.maxDrainBytes;
    this.content = hasContent(req) ? this.#readContent(awaitsContinue, host.maxBodyBytes) : null;
    this.request = new BareRequest(this);
    res.once("close", () => {
      if (res.writableFinished) this.succeed();
      else this.fail(kit.clientDisconnected());
    });
  }

  get target(): string {
    return this.req.url ?? "/";
  }

  get protocol(): "1.0" | "1.1" {
    return this.req.httpVersion === "1.0" ? "1.0" : "1.1";
  }

  get peerAddress(): Address | null {
    return kit.peerAddress(this.req.socket);
  }

  get localAddress(): Address | null {
    return kit.localAddress(this.req.socket);
  }

  // For the server: what the client owes, and how the exchange fails

  get waitingFor(): "content" | "reader" | null {
    if (this.#writer?.waitsForClient === true) return "reader";
    return this.content?.waiting === true ? "content" : null;
  }

  contentFailed(error: ExchangeError): void {
    this.content?.fail(error);
  }

  abort(error: ExchangeError): void {
    this.fail(error);
    this.terminate();
  }

  protected override get requestContent(): kit.BodyQueue | null {
    return this.content;
  }

  // For ServerExchange: what breaks a rule throws before the head is sent

  protected get headSent(): boolean {
    return this.res.headersSent;
  }

  protected send({ status, headers = {}, body = null, trailers }: OutgoingResponse): void {
    kit.checkStatus(status);
    const empty = kit.hasNoContent(this.request.method, status);
    const sendsTrailers = trailers !== undefined && this.protocol === "1.1" && !empty;
    const lines: string[] = this.draining.aborted ? ["connection", "close"] : [];
    let length = -1;
    kit.eachField(headers, (name, value) => {
      kit.checkField(name, value);
      const lower = name.toLowerCase();
      if (lower === "content-length") length = kit.parseContentLength(value);
      else if (!kit.CONNECTION_FIELDS.has(lower) && (lower !== "trailer" || sendsTrailers)) lines.push(name, value);
    });
    if (!empty && (body === null || kit.isWhole(body))) {
      const given = kit.byteLength(body ?? "");
      if (length !== -1 && length !== given) throw kit.lengthMismatch(length, given);
      // Trailers need the chunked coding.
      length = sendsTrailers ? -1 : given;
    }
    if (length !== -1 && status !== 204) lines.push("content-length", String(length));
    this.#head = { status, lines };
    if (empty) kit.cancelUnsentBody(body);
    const source = kit.openBody(empty || body === null ? once("") : kit.isWhole(body) ? once(body) : body);
    this.#writer = new kit.BodyWriter(this, source, empty ? -1 : length, sendsTrailers ? trailers : undefined);
    this.responseBody = this.#writer;
    this.#writer.start();
  }

  protected sendFailure(response: OutgoingResponse): void {
    this.send(response);
  }

  protected terminate(): void {
    this.req.socket.resetAndDestroy();
  }

  // For BodyWriter: node frames the pieces

  writeHead(): void {
    this.res.writeHead(this.#head.status, this.#head.lines);
  }

  /** As bytes: node writes the head in the encoding of the string that comes with it, and a field value is a byte a character. */
  write(piece: string | Uint8Array): void {
    this.res.write(typeof piece === "string" ? Buffer.from(piece) : piece);
  }

  /** Node flushes what it was given; an empty string makes it send a head without content. */
  flush(): void {
    this.res.write("", "latin1");
  }

  writable(): Promise<void> | null {
    const { res } = this;
    if (!res.writableNeedDrain || res.destroyed) return null;
    return new Promise((resolve) => {
      res.once("drain", resolve).once("close", resolve);
    });
  }

  end(trailers: HeaderFields | undefined): void {
    if (trailers !== undefined) {
      const pairs: [string, string][] = [];
      kit.eachField(trailers, (name, value) => void pairs.push([name, value]));
      this.res.addTrailers(pairs);
    }
    this.res.end();
    // What the application left unread would be taken for the next request.
    this.content?.abandon();
    this.#dropBytes = this.#maxDropBytes;
    this.req.resume();
  }

  failed(error: unknown): void {
    this.handlerFailed(error);
  }

  // For BodyQueue: the content of the request

  #readContent(awaitsContinue: boolean, limitBytes: number): kit.BodyQueue {
    const { req, res } = this;
    const owner = {
      contentOpened: () => {
        if (awaitsContinue && !res.headersSent) res.writeContinue();
      },
      contentPulled: () => void req.resume(),
    };
    const queue = new kit.BodyQueue(owner, limitBytes);
    req
      .on("data", (bytes: Buffer) => {
        if (this.#dropBytes !== null) this.#drop(bytes.byteLength);
        else if (queue.push(bytes) && queue.full) req.pause();
      })
      .on("end", () => queue.end())
      .on("close", () => queue.fail(kit.clientDisconnected()))
      .pause();
    return queue;
  }

  #drop(bytes: number): void {
    this.#dropBytes = (this.#dropBytes ?? 0) - bytes;
    if (this.#dropBytes < 0) this.req.socket.destroy();
  }
}

class BareRequest implements IncomingRequest {
  readonly headers: HeaderView;
  readonly #exchange: BareExchange;

  constructor(exchange: BareExchange) {
    this.#exchange = exchange;
    const { rawHeaders } = exchange.req;
    this.headers = new kit.FieldView(rawHeaders.map((text, index) => (index % 2 === 0 ? text.toLowerCase() : text)));
  }

  get method(): string {
    return this.#exchange.req.method ?? "GET";
  }

  get url(): string {
    const { target } = this.#exchange;
    return target.startsWith("/") ? `http://${this.headers.get("host") ?? "localhost"}${target}` : target;
  }

  get body(): AsyncIterable<Uint8Array> | null {
    return this.#exchange.content;
  }

  get signal(): AbortSignal {
    return this.#exchange.signal;
  }
}

function hasContent({ headers }: IncomingMessage): boolean {
  return headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined;
}

// oxlint-disable-next-line require-await -- a body in pieces is asynchronous
async function* once(body: string | Uint8Array): AsyncGenerator<string | Uint8Array> {
  yield body;
}
