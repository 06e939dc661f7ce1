/** What both servers do around their listener: startup, listening, the sweep of timeouts, and shutdown in order (TSGI-52). */
import { Server as NetServer } from "node:net";
import type { Application, CloseOptions, Handler, Logger, Server } from "@tsgi/gateway-spec";
import { boundAddress, HandlerScope, Lifespan, serverUrl } from "@tsgi/gateway-spec/server-kit";
import {
  DEFAULT_LIMITS,
  DEFAULT_SHUTDOWN_TIMEOUT_MS,
  SWEEP_MS,
  type Limits,
  type SocketServeOptions,
} from "../options.ts";
import { withExchangeEvents } from "../observe/exchange-events.ts";
import { behindProxies, type ProxyOptions } from "../proxy/behind-proxies.ts";
import { ProxyHeaders } from "../proxy/proxy-headers.ts";
import { Certificates } from "../tls/certificates.ts";
import type { TlsHandshakes } from "../tls/handshakes.ts";
import { acceptPending } from "./accept-pending.ts";
import { bind, closeUnserved } from "./bind.ts";
import { closeOnAbort } from "./close-on-abort.ts";
import { type Clock, deadline, everySweep } from "./clock.ts";
import { ConnectionLimit } from "./connection-limit.ts";
import { type Running, runningText } from "./running.ts";

/** What the connections of one server share. */
export interface Runtime {
  readonly lifespan: Lifespan;
  readonly limits: Limits;
  /** It never throws. */
  readonly logger: Logger;
  /** Each handler runs in it, apart from the others. */
  readonly scope: HandlerScope;
  readonly connectionLimit: ConnectionLimit;
  /** During a shutdown, how long an idle connection stays open: `limits.drainIdleMs`, or what `close()` was given. */
  drainIdleMs: number;
  /** Coarse milliseconds since the start, as of the last sweep. Time in which the event loop was blocked is not counted. */
  now: number;
}

/** A connection, as far as the server leads it. */
export interface ServedConnection {
  /** Ends the connection of a client that has been silent for too long. */
  sweep(now: number): void;
  /** Exchanges that are not complete; and whether it is an open WebSocket. */
  readonly running: number;
  readonly isWebSocket: boolean;
  /** The server shuts down: the next response is the last. */
  drain(): void;
  /** Resolves after the `close` event of an open connection. */
  whenClosed(): Promise<void>;
  /** Destroys the connection at the shutdown deadline. */
  terminate(): void;
}

/** A listener with its connections: what differs between the servers. */
export interface Transport {
  readonly listener: NetServer;
  /** `null` without TLS. */
  readonly handshakes: TlsHandshakes | null;
  readonly connections: () => Iterable<ServedConnection>;
  /** Called at each sweep, before the connections are swept. @param time milliseconds since the epoch. */
  readonly beforeSweep?: (time: number) => void;
}

/**
 * @param software as in `ServerInfo`.
 * @param clock moved by hand in tests.
 */
export async function runServer<State>(
  application: Application<State> | Handler,
  options: SocketServeOptions,
  software: string,
  createTransport: (runtime: Runtime, certificates: Certificates | null) => Transport,
  clock: Clock,
): Promise<Server> {
  const { proxies } = options;
  const observed = withExchangeEvents(application);
  const served = proxies === undefined ? observed : behindProxies(observed, proxies);
  const lifespan = new Lifespan(served, software, options.logger);
  const { logger } = lifespan;
  const certificates = options.tls === undefined ? null : await Certificates.load(options.tls, options, logger);
  await lifespan.start();
  const limits: Limits = { ...DEFAULT_LIMITS, ...options };
  const runtime: Runtime = {
    lifespan,
    limits,
    logger,
    scope: new HandlerScope(),
    connectionLimit: new ConnectionLimit(limits),
    drainIdleMs: limits.drainIdleMs,
    now: 0,
  };
  let transport: Transport;
  let proxyHeaders: ProxyHeaders | null;
  try {
    transport = createTransport(runtime, certificates);
    proxyHeaders = expectProxyHeaders(transport.listener, proxies, runtime);
    await bind(transport.listener, options);
  } catch (error) {
    await closeUnserved(lifespan);
    throw error;
  }
  const stopSweeping = everySweep(clock, SWEEP_MS, (now) => {
    runtime.now = now;
    transport.beforeSweep?.(clock.now());
    for (const connection of transport.connections()) connection.sweep(now);
    transport.handshakes?.sweep(now, lifespan.isDraining);
    proxyHeaders?.sweep(now, lifespan.isDraining);
  });
  const address = boundAddress(transport.listener);
  const close = ({ idleMs, timeoutMs }: CloseOptions): Promise<void> => {
    runtime.drainIdleMs = idleMs ?? limits.drainIdleMs;
    const limitMs = timeoutMs ?? options.shutdownTimeoutMs ?? DEFAULT_SHUTDOWN_TIMEOUT_MS;
    return shutDown(lifespan, transport, proxyHeaders, limitMs, clock).finally(stopSweeping);
  };
  const url = serverUrl(certificates === null ? "http" : "https", address);
  return closeOnAbort({ address, url }, close, options.signal);
}

function expectProxyHeaders(
  listener: NetServer,
  proxies: ProxyOptions | undefined,
  runtime: Runtime,
): ProxyHeaders | null {
  if (proxies?.proxyProtocol !== true || typeof proxies.trusted === "number") return null;
  return new ProxyHeaders(listener, proxies.trusted, runtime);
}

async function shutDown(
  lifespan: Lifespan,
  transport: Transport,
  proxyHeaders: ProxyHeaders | null,
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const { logger } = lifespan;
  const { listener, handshakes, connections } = transport;
  lifespan.drain();
  for (const connection of connections()) connection.drain();
  const waitsFor = runningText(runningOf(connections()));
  if (waitsFor !== "") logger.info(`waiting for ${waitsFor}, at most ${timeoutMs / 1000} s`);
  const { over, cancel } = deadline(clock, timeoutMs);
  await Promise.race([acceptPending(listener), over]);
  const stopped = stopListening(listener);
  // Those that socket/shared-reads.ts accepts are not counted by the listener.
  const drained = Promise.all(Array.from(connections(), (connection) => connection.whenClosed()));
  await Promise.race([Promise.all([stopped, drained]), over]);
  proxyHeaders?.terminate();
  handshakes?.terminate();
  await Promise.all(
    Array.from(connections(), (connection) => {
      // First, for a TLS socket emits the event before destroy() returns.
      const closed = connection.whenClosed();
      connection.terminate();
      return closed;
    }),
  );
  // What the close() of node:http does beside closing: it stops its timers.
  listener.close(() => undefined);
  try {
    await lifespan.end(over);
  } finally {
    cancel();
  }
}

/** Closes the listener. It resolves when every connection that the listener counts is closed too. */
function stopListening(listener: NetServer): Promise<void> {
  return new Promise((resolve) => {
    const closed = () => {
      resolve();
    };
    // The close() of node:http would first close idle connections, whose next request may be on its way. Bun's server of node:http has
    // no other one.
    if (listener instanceof NetServer) NetServer.prototype.close.call(listener, closed);
    else (listener as NetServer).close(closed);
  });
}

function runningOf(connections: Iterable<ServedConnection>): Running {
  const sum = { requests: 0, webSockets: 0 };
  for (const { running, isWebSocket } of connections) {
    sum.requests += running;
    if (isWebSocket) sum.webSockets++;
  }
  return sum;
}
