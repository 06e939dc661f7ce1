/** Every option of the servers, once, with its default, its limit and the precedents. */
import type { ServeOptions } from "@tsgi/gateway-spec";
import { closestName } from "./closest-name.ts";
import { DEFAULT_HEAD_LIMITS, type HeadLimits } from "./http1/index.ts";
import type { ProxyOptions } from "./proxy/behind-proxies.ts";
import type { TlsChoice } from "./tls/options.ts";

export type { SelfSignedOptions, TlsCertificate, TlsChoice, TlsOptions } from "./tls/options.ts";

/** The limits of a server: lengths and counts from 0 on, and times in milliseconds. `Infinity` is no limit. */
export interface LimitOptions extends Partial<HeadLimits> {
  /** Longest request content, in bytes; beyond it 413. Default 16 MiB. Precedents: nginx 1 MiB, Bun 128 MiB. */
  readonly maxBodyBytes?: number;
  /**
   * From accepting a connection to the end of its TLS handshake; beyond it the connection is closed. Default 10,000. Precedents:
   * nginx 60 s, node 120 s.
   */
  readonly handshakeTimeoutMs?: number;
  /** From the first byte of a head, or from accepting a connection, to the head's end; beyond it 408. Default 15,000. */
  readonly headTimeoutMs?: number;
  /** Between two reads of request content that the client owes; beyond it the content fails, and the response is 408. Default 30,000. */
  readonly bodyTimeoutMs?: number;
  /** While the client reads nothing of the response that waits for it; beyond it the connection is reset. Default 60,000. */
  readonly sendTimeoutMs?: number;
  /** Between two exchanges; beyond it the connection is closed. Default 10,000. Precedents: nginx 75 s, node 5 s. */
  readonly keepAliveTimeoutMs?: number;
  /**
   * During a shutdown, how long an idle connection stays open for a request that is on its way, and a WebSocket for a close of the
   * application. 0 where connections may be closed while a request is on its way: in tests, or under `tsgi --watch`. Default 1000.
   */
  readonly drainIdleMs?: number;
  /** Connections held at once; a further one is closed without a response. Default 65,536. */
  readonly maxConnections?: number;
  /** The same, from one client address; a Unix domain socket has none. Default: no limit of its own, for a proxy is one client. */
  readonly maxConnectionsPerClient?: number;
  /** Exchanges on one connection, the last of which says `Connection: close`. Default: no limit. */
  readonly maxRequestsPerConnection?: number;
  /** Unread request content that is read and dropped after the response, so that the connection can go on. Default 64 KiB. */
  readonly maxDrainBytes?: number;
}

/** Every limit with its value. */
export type Limits = Required<LimitOptions>;

export const DEFAULT_LIMITS: Limits = {
  ...DEFAULT_HEAD_LIMITS,
  maxBodyBytes: 16 * 1024 * 1024,
  handshakeTimeoutMs: 10_000,
  headTimeoutMs: 15_000,
  bodyTimeoutMs: 30_000,
  sendTimeoutMs: 60_000,
  keepAliveTimeoutMs: 10_000,
  drainIdleMs: 1000,
  maxConnections: 65_536,
  maxConnectionsPerClient: Number.POSITIVE_INFINITY,
  maxRequestsPerConnection: Number.POSITIVE_INFINITY,
  maxDrainBytes: 64 * 1024,
};

/** The options of the socket server. */
export interface SocketServeOptions extends ServeOptions, LimitOptions {
  /** Closes the server when it aborts, as `close()` does. Default: none. */
  readonly signal?: AbortSignal;
  /** HTTPS in place of HTTP, on TCP only. Default: none. */
  readonly tls?: TlsChoice;
  /** An inherited descriptor that is bound or listens, in place of hostname, port and path. */
  readonly fd?: number;
  /** The proxies whose fields on the client are read. Default: none, and the peer is the client. */
  readonly proxies?: ProxyOptions;
}

/** The options of the node server. It keeps the same limits. */
export interface NodeServeOptions extends SocketServeOptions {
  /** Whether clients may choose HTTP/2 by ALPN. Only with `tls`: plain text is HTTP/1.1 always. Default true. */
  readonly http2?: boolean;
}

export const DEFAULT_SHUTDOWN_TIMEOUT_MS = 10_000;

/** How often timeouts are checked: they are never early, and at most twice this late. */
export const SWEEP_MS = 500;

/** After a last response, how long the client may be silent before its connection is destroyed (RFC 9112 §9.6). Precedent: nginx 5 s. */
export const LINGER_MS = 2000;

/** The same while the client still sends, a refused upload for one. Precedent: nginx 30 s. */
export const MAX_LINGER_MS = 30_000;

const COMMON: Readonly<Record<keyof SocketServeOptions, true>> = {
  hostname: true,
  port: true,
  path: true,
  shutdownTimeoutMs: true,
  logger: true,
  signal: true,
  tls: true,
  fd: true,
  proxies: true,
  ...mapToTrue(DEFAULT_LIMITS),
};

export const SOCKET_OPTIONS: ReadonlySet<string> = new Set(Object.keys(COMMON));
const NODE: Readonly<Record<keyof NodeServeOptions, true>> = { ...COMMON, http2: true };
export const NODE_OPTIONS: ReadonlySet<string> = new Set(Object.keys(NODE));

function mapToTrue(limits: Limits): Readonly<Record<keyof Limits, true>> {
  return Object.fromEntries(Object.keys(limits).map((name) => [name, true])) as Record<keyof Limits, true>;
}

export type OptionErrorCode = "UNKNOWN_OPTION" | "UNSUPPORTED_OPTION";

/** An option that does not exist, or that this server cannot keep, was given to `serve`. */
export class OptionError extends TypeError {
  override readonly name = "OptionError";
  readonly code: OptionErrorCode;

  constructor(message: string, code: OptionErrorCode = "UNKNOWN_OPTION") {
    super(message);
    this.code = code;
  }
}

/**
 * @param known the options that the server has.
 * @throws OptionError for any other one that has a value.
 */
export function checkOptions(options: object, known: ReadonlySet<string>): void {
  for (const [name, value] of Object.entries(options)) {
    if (known.has(name) || value === undefined) continue;
    const near = closestName(name, known);
    throw new OptionError(`unknown option ${JSON.stringify(name)}${near === null ? "" : `; did you mean "${near}"?`}`);
  }
}
