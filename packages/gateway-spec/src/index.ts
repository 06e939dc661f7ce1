/**
 * The TSGI contract: the request and exchange that a server passes to an application, and the response that the application
 * returns. Types only; SPEC.md numbers the rules that types cannot express. Every web `Request` is an {@link IncomingRequest} and
 * every web `Response` is an {@link OutgoingResponse}, but neither side has to create one.
 *
 * @module @tsgi/gateway-spec
 */

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/** Received header fields. Names are lower-case; `get` and `has` may not find another spelling (TSGI-6). */
export interface HeaderView extends Iterable<[string, string]> {
  /**
   * The field's value, or `null` where the request did not have the field. Several lines of one field are joined with `, `,
   * those of `cookie` with `; ` (RFC 9110 §5.3, RFC 9113 §8.2.3).
   */
  get(name: string): string | null;
  /** Whether the request had the field. */
  has(name: string): boolean;
}

/** A request as it was received. A web `Request` fits. */
export interface IncomingRequest {
  /** As received: methods are case-sensitive (RFC 9110 §9.1). */
  readonly method: string;
  /** Absolute, with scheme and authority; path and query are not decoded: `http://localhost:7788/a%2Fb?x=1`. */
  readonly url: string;
  readonly headers: HeaderView;
  /** The content, or `null` if the message has none. One reader only; the first pull sends `100 Continue` if the client awaits it. */
  readonly body: AsyncIterable<Uint8Array> | null;
  /**
   * Aborts when the exchange fails: the client disconnected, or the response could not be sent. Never on success, and never
   * because the body ended. Its reason is an {@link ExchangeError}. Servers create it on first access.
   */
  readonly signal: AbortSignal;
  /** The trailer section (RFC 9110 §6.5), once the body has been read to its end. Absent where a server cannot receive one. */
  readonly trailers?: Promise<HeaderView>;
}

/** Header fields to send: pairs, or a record. An array in a record gives one line for each item. Lines are never joined. */
export type HeaderFields = Iterable<readonly [string, string]> | Readonly<Record<string, string | readonly string[]>>;

/** The part of a web `ReadableStream` that a server needs. */
export interface ReadableStreamLike {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | string | undefined }>;
    cancel(reason?: unknown): Promise<unknown>;
    releaseLock(): void;
  };
}

/** The body of a response. Text is sent as UTF-8. Synchronous iterables are not bodies. */
export type ResponseBody = string | Uint8Array | AsyncIterable<Uint8Array | string> | ReadableStreamLike;

/** A response. A plain literal is enough; a web `Response` fits. */
export interface OutgoingResponse {
  /** A final status, 200 to 599; 101 only in the response of {@link Exchange.upgradeWebSocket}. */
  readonly status: number;
  /** The header fields. The server adds those of framing and `Date`. */
  readonly headers?: HeaderFields;
  /** The content. Default: none. */
  readonly body?: ResponseBody | null;
  /** Called when the body has ended. The head announces the names in a `Trailer` field (RFC 9110 §6.6.2). */
  readonly trailers?: () => Awaitable<HeaderFields>;
}

/** One end of a connection. */
export type Address =
  | { readonly transport: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** The parameters of an encrypted connection that TLS negotiated. */
export interface TlsInfo {
  /** Such as `TLSv1.3`. */
  readonly version: string;
  /** The cipher suite's standard name, such as `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string;
  /** The name that the client requested by SNI (RFC 6066 §3). */
  readonly serverName: string | null;
  /** By ALPN (RFC 7301), such as `http/1.1`. */
  readonly applicationProtocol: string | null;
  /** The certificate of the client, if it sent one. */
  readonly clientCertificate: ClientCertificate | null;
}

/** The certificate that a client presented in the TLS handshake. */
export interface ClientCertificate {
  /** Whether an authority that the server trusts signed it. */
  readonly authorized: boolean;
  /** The common name of the subject. */
  readonly subject: string | null;
  /** SHA-256, hex digits in pairs with colons between. */
  readonly fingerprint256: string;
  /** DER bytes. */
  readonly raw: Uint8Array;
}

/** Why an exchange failed: `signal.reason`, and the error of `completed` and of a failing body. SPEC.md explains the codes. */
export interface ExchangeError extends Error {
  readonly code: ExchangeErrorCode;
}

/** The codes of {@link ExchangeError}. */
export type ExchangeErrorCode =
  | "CLIENT_DISCONNECTED"
  | "REQUEST_BODY_TOO_LARGE"
  | "REQUEST_BODY_TIMEOUT"
  | "REQUEST_BODY_MALFORMED"
  | "REQUEST_BODY_DROPPED"
  | "RESPONSE_FAILED"
  | "RESPONSE_TIMEOUT"
  | "SERVER_CLOSED";

/** The subprotocol and the limits of an accepted WebSocket. */
export interface WebSocketOptions {
  /** The subprotocol to agree on; it must be one that the client offered (RFC 6455 §4.2.2). Default: none. */
  readonly protocol?: string;
  /** Further header fields of the 101 response. */
  readonly headers?: HeaderFields;
  /** Longest message accepted, in bytes. Beyond it the socket closes with 1009. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Most bytes that may wait to be sent. A `send` beyond it terminates the connection, for its client does not read. Default 16 MiB. */
  readonly maxBufferedBytes?: number;
  /** How often a ping is sent, in milliseconds; a peer that sends nothing during two of them has disconnected. 0: never. Default 30,000. */
  readonly pingIntervalMs?: number;
}

/** An accepted WebSocket, and the response that the handler must return for it. */
export interface WebSocketUpgrade {
  /** The application's end of the connection. */
  readonly socket: WebSocket;
  /** Return it from the handler: it completes the handshake. */
  readonly response: OutgoingResponse;
}

/**
 * The exchange around a request, which Fetch does not have. An absent optional member is an absent capability. Every member is lazy:
 * a server does no work for a member that is not accessed.
 */
export interface Exchange<State = unknown> {
  /** The request target as received (RFC 9112 §3.2): `/a%2Fb?x=1`, `*`, `http://host/path`. */
  readonly target: string;
  /** The version of HTTP. */
  readonly protocol: "1.0" | "1.1" | "2";
  /** Whether the connection of the client is encrypted, according to the proxy-trust policy. */
  readonly encrypted: boolean;
  /** The client, according to the proxy-trust policy. */
  readonly remoteAddress: Address | null;
  /** The peer of the socket, never rewritten. `null` on a Unix domain socket. */
  readonly peerAddress: Address | null;
  /** The server's end of the connection; on a Unix domain socket its path. */
  readonly localAddress: Address | null;
  /** What TLS negotiated on this connection; `null` where it has no TLS. */
  readonly tls: TlsInfo | null;
  /** The value that `startup` of the application returned. */
  readonly state: State;
  /** Aborts when the server begins to shut down: end event streams and sockets. One signal for all exchanges. */
  readonly draining: AbortSignal;
  /**
   * Fulfils when a response was sent in full: that of the handler, or the one that the server sends in its place, such as a 500; then
   * `signal` has aborted. Rejects with an {@link ExchangeError}. Never an unhandled rejection.
   */
  readonly completed: Promise<void>;
  /** Delays `shutdown` until the work has settled. A rejection is logged. It may be called detached from the exchange (TSGI-31). */
  waitUntil(work: Promise<unknown>): void;
  /** Sends an informational response, such as 103 with `Link` (RFC 8297), before the final one. */
  sendInformational?(status: number, headers?: HeaderFields): void;
  /** Accepts a WebSocket handshake; return its `response`. Present only if the request is a handshake. Any other response refuses it. */
  upgradeWebSocket?(options?: WebSocketOptions): WebSocketUpgrade;
}

/** A function from a request to a response. It may be called for several requests at the same time. */
export type Handler<E = Exchange> = (request: IncomingRequest, exchange: E) => Awaitable<OutgoingResponse>;

/** A handler with a lifespan. Servers take one, or a bare {@link Handler}. */
export interface Application<State = unknown> {
  /** Responds to every request. */
  readonly fetch: Handler<Exchange<State>>;
  /** Before the first request. If it rejects, the server never serves. */
  readonly startup?: (server: ServerInfo) => Awaitable<State>;
  /** After the last response and all of `waitUntil`. */
  readonly shutdown?: (state: State) => Awaitable<void>;
}

/** The server, as it describes itself to `startup`. */
export interface ServerInfo {
  /** Such as `tsgi-socket/0.1.0`. */
  readonly software: string;
  /** The version of the contract that the server implements, such as `1.0`. */
  readonly specVersion: string;
}

/** The log of a server. `console` fits, and so does pino behind one arrow function. */
export interface Logger {
  info(message: string): void;
  warn(message: string): void;
  /** `error` is the value that was thrown, with its stack and its cause. */
  error(message: string, error?: unknown): void;
}

/** The options of every server; a server extends them by its own. */
export interface ServeOptions {
  /** Name or address to listen on. Default `127.0.0.1`: only this machine can connect. */
  readonly hostname?: string;
  /** 0 lets the system choose. Default 0. */
  readonly port?: number;
  /** Path of a Unix domain socket to listen on, in place of hostname and port. */
  readonly path?: string;
  /** How long `close` waits for running exchanges before it terminates them, in milliseconds. Default 10,000. */
  readonly shutdownTimeoutMs?: number;
  /** Default: warnings and errors to the standard error stream. */
  readonly logger?: Logger;
}

/** A server that listens. */
export interface Server extends AsyncDisposable {
  /** Where it listens. */
  readonly address: Address;
  /** Such as `http://127.0.0.1:7788/`. */
  readonly url: string;
  /**
   * Shuts down in order: no new connections, `draining`, the running exchanges, `waitUntil`, `shutdown`. Further calls give
   * the same promise, and their options do not count. It rejects only with what `shutdown` threw. `await using` calls it at the end
   * of its block.
   */
  close(options?: CloseOptions): Promise<void>;
}

/** For how long a shutdown waits. A reload, where a new process serves already, can wait longer than a stop. */
export interface CloseOptions {
  /** How long an idle connection stays open for a request that is on its way, in milliseconds. Default: the server's. */
  readonly idleMs?: number;
  /** Until what still runs is terminated, in milliseconds. Default: `shutdownTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** The function that every server exports. It rejects if the server cannot listen, and with what `startup` threw. */
export type Serve<Options extends ServeOptions = ServeOptions> = <State>(
  application: Application<State> | Handler,
  options?: Options,
) => Promise<Server>;
