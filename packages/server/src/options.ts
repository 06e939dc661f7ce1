/** The limits and time-outs of our servers, once, with their defaults and precedents. */
import type { ServeOptions } from "@tsgi/gateway-spec";
import { DEFAULT_HEAD_LIMITS, type HeadLimits } from "./http1/index.ts";
import type { TlsChoice } from "./tls/options.ts";

export type { TlsCertificate, TlsChoice, TlsOptions } from "./tls/options.ts";

export interface LimitOptions extends Partial<HeadLimits> {
  /** Longest request content, in bytes; beyond it 413. Default 16 MiB. Precedents: nginx 1 MiB, Bun 128 MiB. */
  readonly maxBodyBytes?: number;
  /**
   * From accepting a connection to the end of its TLS handshake; beyond it the connection is cut. Default 10,000. Precedents:
   * nginx 60 s, node 120 s.
   */
  readonly handshakeTimeoutMs?: number;
  /** From the first byte of a head, or from accepting a connection, to the head's end; beyond it 408. Default 15,000. */
  readonly headTimeoutMs?: number;
  /** Silence of a client that owes request content; beyond it the body fails and the answer is 408. Default 30,000. */
  readonly bodyTimeoutMs?: number;
  /** Silence of a client that does not take the response; beyond it the connection is cut. Default 60,000. */
  readonly sendTimeoutMs?: number;
  /** Silence between two exchanges, after which the connection is closed. Default 10,000. Precedents: nginx 75 s, node 5 s. */
  readonly keepAliveTimeoutMs?: number;
  /**
   * While the server drains, how long an idle connection may still bring a request that was on its way; WebSockets have it for
   * their own farewell. 0 where nobody else can be on the way: in tests, or under `tsgi --watch`. Default 1000.
   */
  readonly drainIdleMs?: number;
  /** Connections held at once; a further one is closed unanswered. Default 65,536. */
  readonly maxConnections?: number;
  /** The same, from one client address; a Unix domain socket has none. Default: no limit of its own, for a proxy is one client. */
  readonly maxConnectionsPerClient?: number;
  /** Exchanges on one connection, the last of which says `Connection: close`. Default: no limit. */
  readonly maxRequestsPerConnection?: number;
  /** Unread request content that is read away after the response, so that the connection can go on. Default 64 KiB. */
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

/** What the socket server takes beside the contract's options. */
export interface SocketServeOptions extends ServeOptions, LimitOptions {
  /** HTTPS in place of HTTP, on TCP only. Default: none. */
  readonly tls?: TlsChoice;
}

/** What the server on node:http takes beside the contract's options. It keeps the same limits. */
export interface NodeServeOptions extends ServeOptions, LimitOptions {
  /** HTTPS in place of HTTP, on TCP only. Default: none. */
  readonly tls?: TlsChoice;
  /** Whether clients may choose HTTP/2 by ALPN. Only with `tls`: plain text is HTTP/1.1 always. Default true. */
  readonly http2?: boolean;
}

export const DEFAULT_SHUTDOWN_TIMEOUT_MS = 10_000;

/** How often connections are looked at: time-outs are never early, and at most twice this late. */
export const SWEEP_MS = 500;

/** How long, after a last response, what the client still sends is read away, so that it can read that response (RFC 9112 §9.6). */
export const LINGER_MS = 2000;
