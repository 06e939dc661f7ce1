/**
 * The TSGI contract: what a server hands to an application, and what the application answers with. Types only; the rules that
 * types cannot say are numbered in SPEC.md. Every web `Request` is an {@link IncomingRequest} and every web `Response` is an
 * {@link OutgoingResponse}, but neither side has to make one.
 */

export type Awaitable<T> = T | Promise<T>;

/** Received header fields. Names are lower-case; `get` and `has` may find nothing by any other spelling (TSGI-6). */
export interface HeaderView extends Iterable<[string, string]> {
  /**
   * The field's value, or `null` where the request did not have the field. Several lines of one field are joined with `, `,
   * those of `cookie` with `; ` (RFC 9110 §5.3, RFC 9113 §8.2.3).
   */
  get(name: string): string | null;
  has(name: string): boolean;
}

/** A request as it was received. A web `Request` fits. */
export interface IncomingRequest {
  /** As received: methods are case-sensitive (RFC 9110 §9.1). */
  readonly method: string;
  /** Absolute, with scheme and authority; path and query are not decoded: `http://localhost:7788/a%2Fb?x=1`. */
  readonly url: string;
  readonly headers: HeaderView;
  /** The content, or `null` where the message has none. One reader only; the first pull sends `100 Continue` if it is awaited. */
  readonly body: AsyncIterable<Uint8Array> | null;
  /**
   * Aborts when the exchange fails: the client went away, or the response could not be sent. Never on success, and never
   * because the body ended. Its reason is an {@link ExchangeError}. Servers make it when it is first touched.
   */
  readonly signal: AbortSignal;
  /** The trailer section (RFC 9110 §6.5), once the body has been read to its end. Absent where a server cannot receive one. */
  readonly trailers?: Promise<HeaderView>;
}

/** Header fields to send: pairs, or a record whose arrays make one line an item. `set-cookie` lines are never joined. */
export type HeaderFields = Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[]>>;

/** The part of a web `ReadableStream` that a server needs. */
export interface ReadableStreamLike {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | string | undefined }>;
    cancel(reason?: unknown): Promise<unknown>;
    releaseLock(): void;
  };
}

/** What may stand as a response's body. Text is sent as UTF-8. Synchronous iterables are not bodies. */
export type ResponseBody = string | Uint8Array | AsyncIterable<Uint8Array | string> | ReadableStreamLike;

/** A response. A plain literal is enough; a web `Response` fits. */
export interface OutgoingResponse {
  /** A final status, 200 to 599; 101 only in the response of {@link Exchange.upgradeWebSocket}. */
  readonly status: number;
  readonly headers?: HeaderFields;
  readonly body?: ResponseBody | null;
  /** Called when the body has ended. The names belong into a `Trailer` field of the head (RFC 9110 §6.6.2). */
  readonly trailers?: () => Awaitable<HeaderFields>;
}

/** One end of a connection. */
export type Address =
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** What TLS settled, on an encrypted connection. */
export interface TlsInfo {
  /** Such as `TLSv1.3`. */
  readonly version: string;
  /** The cipher suite's standard name, such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** The name that the client asked for by SNI (RFC 6066 §3). */
  readonly serverName: string | null;
  /** By ALPN (RFC 7301), such as `http/1.1`. */
  readonly applicationProtocol: string | null;
  /** The client's certificate, where one was given. */
  readonly clientCertificate: ClientCertificate | null;
}

export interface ClientCertificate {
  /** Whether it was signed by an authority that the server trusts. */
  readonly authorized: boolean;
  /** The common name of the subject. */
  readonly subject: string | null;
  /** SHA-256, hex digits in pairs with colons between. */
  readonly fingerprint256: string;
  /** DER bytes. */
  readonly raw: Uint8Array;
}

/** Why an exchange failed. `signal.reason`, `completed` and a failing body carry one; SPEC.md lists what each code means. */
export interface ExchangeError extends Error {
  readonly code: ExchangeErrorCode;
}

export type ExchangeErrorCode =
  | "CLIENT_DISCONNECTED"
  | "REQUEST_BODY_TOO_LARGE"
  | "REQUEST_BODY_TIMEOUT"
  | "REQUEST_BODY_MALFORMED"
  | "REQUEST_BODY_DROPPED"
  | "RESPONSE_FAILED"
  | "RESPONSE_TIMEOUT"
  | "SERVER_CLOSED";

export interface WebSocketOptions {
  /** The subprotocol to agree on; it must be one that the client offered (RFC 6455 §4.2.2). Default: none. */
  readonly protocol?: string;
  /** Further header fields of the 101 response. */
  readonly headers?: HeaderFields;
  /** Longest message accepted, in bytes. Beyond it the socket closes with 1009. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Most bytes that may wait to be sent. A `send` beyond it terminates the connection, for its client does not read. Default 16 MiB. */
  readonly maxBufferedBytes?: number;
  /** How often a ping is sent, in milliseconds; a peer that is silent for two of them is gone. 0 is never. Default 30,000. */
  readonly pingIntervalMs?: number;
}

/** The socket's side of an accepted WebSocket, beside the response that the handler must return. */
export interface WebSocketUpgrade {
  readonly socket: WebSocket;
  readonly response: OutgoingResponse;
}

/**
 * What Fetch lacks: the exchange around a request. An optional member that is absent is a capability that is absent. Every
 * member is lazy: a server does no work for one that is not touched.
 */
export interface Exchange<State = unknown> {
  /** The request target as received (RFC 9112 §3.2): `/a%2Fb?x=1`, `*`, `http://host/path`. */
  readonly target: string;
  readonly protocol: "1.0" | "1.1" | "2";
  /** Whether the client's connection is encrypted, after the proxy-trust policy. */
  readonly encrypted: boolean;
  /** The client, after the proxy-trust policy. */
  readonly remoteAddress: Address | null;
  /** The socket's peer, never rewritten. */
  readonly peerAddress: Address | null;
  readonly localAddress: Address | null;
  readonly tls: TlsInfo | null;
  /** What the application's `startup` returned. */
  readonly state: State;
  /** Aborts when the server begins to shut down: end event streams and sockets. One signal for all exchanges. */
  readonly draining: AbortSignal;
  /** Fulfils when the response was sent in full; rejects with an {@link ExchangeError}. Never an unhandled rejection. */
  readonly completed: Promise<void>;
  /** Keeps the server from exiting until the work has settled. A rejection is logged. */
  waitUntil(work: Promise<unknown>): void;
  /** Sends an informational response, such as 103 with `Link` (RFC 8297), before the final one. */
  sendInformational?(status: number, headers?: HeaderFields): void;
  /** Accepts a WebSocket handshake. Present only where the request is one. Return its `response`; not to call it is a refusal. */
  upgradeWebSocket?(options?: WebSocketOptions): WebSocketUpgrade;
}

export type Handler<E = Exchange> = (request: IncomingRequest, exchange: E) => Awaitable<OutgoingResponse>;

/** A handler with a life: servers take one, or a bare {@link Handler}. */
export interface Application<State = unknown> {
  readonly fetch: Handler<Exchange<State>>;
  /** Before the first request. If it rejects, the server never serves. */
  readonly startup?: (server: ServerInfo) => Awaitable<State>;
  /** After the last response and all of `waitUntil`. */
  readonly shutdown?: (state: State) => Awaitable<void>;
}

/** What a server says of itself to `startup`. */
export interface ServerInfo {
  /** Such as `tsgi-socket/0.1.0`. */
  readonly software: string;
  /** The contract's version that the server keeps, such as `1.0`. */
  readonly specVersion: string;
}

/** Where a server writes what nobody else will hear of. `console` fits, and so does pino behind one arrow function. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  /** `error` is the thing that was thrown, for its stack and its cause. */
  error(message: string, error?: unknown): void;
}

/** What every server takes; a server's own options extend it. */
export interface ServeOptions {
  /** Name or address to listen on. Default `127.0.0.1`: a server is open to the network only where someone said so. */
  readonly hostname?: string;
  /** 0 lets the system choose. Default 0. */
  readonly port?: number;
  /** Path of a Unix domain socket to listen on, in place of hostname and port. */
  readonly path?: string;
  /** How long `close` waits for running exchanges before it cuts them off, in milliseconds. Default 10,000. */
  readonly shutdownTimeoutMs?: number;
  /** Default: warnings and errors to the standard error stream. */
  readonly logger?: Logger;
}

/** A server that listens. */
export interface Server extends AsyncDisposable {
  readonly address: Address;
  /** Such as `http://127.0.0.1:7788/`. */
  readonly url: string;
  /**
   * Shuts down in order: no new connections, `draining`, the running exchanges, `waitUntil`, `shutdown`. Further calls give
   * the same promise. It rejects only with what `shutdown` threw. `await using` calls it at the end of its block.
   */
  close(): Promise<void>;
}

/** Every server's one export. Rejects where it cannot listen, or with what `startup` threw. */
export type Serve<Options extends ServeOptions = ServeOptions> = <State>(
  application: Application<State> | Handler,
  options?: Options,
) => Promise<Server>;
