/**
 * The parts of the Fetch Server API that the adapters use: a draft for Ecma TC55 (WinterTC), `index.bs` of
 * jasnell/proposal-fetch-server at commit 01079442df63. It is not a draft of the committee yet, and may change.
 */

/** The key of the version on a handler object ("protocol marker"). */
export const PROTOCOL_MARKER: unique symbol = Symbol.for("wintertc.server.protocol");

/** Given to `deny` in `connect`: the offer of another protocol is ignored, and `fetch` gets the request. */
export const FALL_THROUGH: unique symbol = Symbol.for("wintertc.server.fallthrough");

/** The version of the draft that is known here. */
export const PROTOCOL_VERSION = 1;

/** One end of a connection, by its IP address. */
export interface SocketAddress {
  /** Empty where the address is not known. */
  readonly address: string;
  readonly port: number;
  /** `IPv4` or `IPv6`. */
  readonly family: string;
}

/** How urgently the client needs the response (RFC 9218). */
export interface RequestPriority {
  /** 0 to 7; 0 is the highest. */
  readonly urgency: number;
  readonly incremental: boolean;
}

/** What `fetch` of a handler object gets: the request, its connection, and the state of the exchange. */
export interface ServerContext {
  /** The same object at each access. */
  readonly request: Request;
  readonly remoteAddress: SocketAddress;
  readonly localAddress: SocketAddress;
  /** `http/1.1` where none was negotiated. */
  readonly alpnProtocol: string;
  readonly encrypted: boolean;
  readonly serverName: string | null;
  readonly clientPriority: RequestPriority;
  serverPriority: RequestPriority | null;
  onpriority: ((priority: RequestPriority) => void) | null;
  readonly autoContinue: boolean;
  /** @throws RangeError; DOMException `InvalidStateError` after the response, `NotSupportedError`. */
  sendInformational(status: number, headers?: HeadersInit): void;
  /** The request was not processed: the client may repeat it. @throws DOMException `InvalidStateError` once anything was sent. */
  deny(error?: unknown): void;
  /** Fulfils when the response was handed over; rejects with a protocol error. */
  readonly completed: Promise<void> | null;
  waitUntil(promise: Promise<unknown>): void;
}

/** What `connect` of a handler object gets: a request that offers another protocol. */
export interface ConnectContext extends ServerContext {
  /** `websocket`, or another token of the `Upgrade` field or of `:protocol`; `null` for a plain CONNECT. */
  readonly connectProtocol: string | null;
  /** @returns an open WebSocket. */
  upgradeWebSocket(options?: { readonly protocol?: readonly string[] }): WebSocket;
  accept(init?: ResponseInit): Promise<unknown>;
  upgradeWebTransport(): Promise<unknown>;
}

type Result = Response | undefined | Promise<Response | undefined>;

/** An application of the draft, with the marker that names the version. `this` in its methods is the object. */
export interface HandlerObject {
  /** Required, and checked when the handler is adapted: for the compiler `[Symbol.for(…)]` in an object is not this property. */
  readonly [PROTOCOL_MARKER]?: number;
  fetch(ctx: ServerContext): Result;
  connect?(ctx: ConnectContext): Result;
  error?(ctx: ServerContext, error: unknown): Result;
  [Symbol.asyncDispose]?(): PromiseLike<void>;
}

type HeadersInit = ConstructorParameters<typeof Headers>[0];
type ResponseInit = ConstructorParameters<typeof Response>[1];
