/** What servers do around the HTTP server of a host: startup, listening, timeouts of clients, and shutdown in order (TSGI-52). */
import type { Address, Application, CloseOptions, Handler, Server } from "@tsgi/gateway-spec";
import { HandlerScope, Lifespan, serverClosed, serverUrl } from "@tsgi/gateway-spec/server-kit";
import { withExchangeEvents } from "../observe/exchange-events.ts";
import { DEFAULT_LIMITS, DEFAULT_SHUTDOWN_TIMEOUT_MS, SWEEP_MS } from "../options.ts";
import { behindProxies } from "../proxy/behind-proxies.ts";
import { closeUnserved, replaceStale } from "../runtime/bind.ts";
import { closeOnAbort } from "../runtime/close-on-abort.ts";
import { type Clock, deadline, everySweep, SYSTEM_CLOCK } from "../runtime/clock.ts";
import { runningText } from "../runtime/running.ts";
import { Certificates } from "../tls/certificates.ts";
import type { FetchRuntime } from "./exchange.ts";
import type { FetchHostOptions } from "./options.ts";

/** The HTTP server of a host, listening. */
export interface HostListener {
  readonly address: Address;
  /** Accepts no more connections. Fulfils when those that are open have closed. */
  stop(): Promise<unknown>;
  /** Closes every connection at once. */
  destroy(): Promise<unknown>;
}

/** The certificate and its key, both PEM text. */
export interface HostCertificate {
  readonly cert: string;
  readonly key: string;
}

/** Where a host listens. */
export type HostAddress = { readonly path: string } | { readonly hostname: string; readonly port: number };

export type Listen = (
  runtime: FetchRuntime,
  where: HostAddress,
  certificate: HostCertificate | null,
) => HostListener | Promise<HostListener>;

/** @param software as in `ServerInfo`. */
export async function runFetchServer<State>(
  application: Application<State> | Handler,
  options: FetchHostOptions,
  software: string,
  listen: Listen,
  clock: Clock = SYSTEM_CLOCK,
): Promise<Server> {
  const { proxies, tls, hostname = "127.0.0.1", port = 0, path } = options;
  const observed = withExchangeEvents(application);
  const served = proxies === undefined ? observed : behindProxies(observed, proxies);
  const lifespan = new Lifespan(served, software, options.logger);
  const certificates = tls === undefined ? null : await Certificates.load(tls, options, lifespan.logger);
  await lifespan.start();
  const limits = { ...DEFAULT_LIMITS, ...options };
  const runtime: FetchRuntime = {
    lifespan,
    encrypted: certificates !== null,
    maxBodyBytes: limits.maxBodyBytes,
    bodyTimeoutMs: limits.bodyTimeoutMs,
    sendTimeoutMs: limits.sendTimeoutMs,
    scope: new HandlerScope(),
    exchanges: new Set(),
    sockets: new Set(),
    localAddress: null,
    now: 0,
  };
  let listener: HostListener;
  try {
    const where = path === undefined ? { hostname, port } : { path };
    const certificate = certificates === null ? null : (certificates.listenerOptions as HostCertificate);
    listener = await replaceStale(path, async () => listen(runtime, where, certificate));
  } catch (error) {
    await closeUnserved(lifespan);
    throw error;
  }
  const { address } = listener;
  runtime.localAddress = isWildcard(address) ? null : address;
  let drainIdleMs = limits.drainIdleMs;
  let drainingSince: number | null = null;
  const stopSweeping = everySweep(clock, SWEEP_MS, (now) => {
    runtime.now = now;
    for (const exchange of runtime.exchanges) exchange.sweep(now);
    if (!lifespan.isDraining) return;
    drainingSince ??= now;
    if (now - drainingSince < drainIdleMs) return;
    for (const socket of runtime.sockets) socket.close();
  });
  const close = ({ idleMs, timeoutMs }: CloseOptions): Promise<void> => {
    drainIdleMs = idleMs ?? limits.drainIdleMs;
    const limitMs = timeoutMs ?? options.shutdownTimeoutMs ?? DEFAULT_SHUTDOWN_TIMEOUT_MS;
    return shutDown(runtime, listener, limitMs, clock).finally(stopSweeping);
  };
  const url = serverUrl(certificates === null ? "http" : "https", address);
  return closeOnAbort({ address, url }, close, options.signal);
}

async function shutDown(
  { lifespan, exchanges, sockets }: FetchRuntime,
  listener: HostListener,
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const stopped = Promise.all([listener.stop(), ...Array.from(sockets, closed)]);
  lifespan.drain();
  const waitsFor = runningText({ requests: exchanges.size, webSockets: sockets.size });
  if (waitsFor !== "") lifespan.logger.info(`waiting for ${waitsFor}, at most ${timeoutMs / 1000} s`);
  const { over, cancel } = deadline(clock, timeoutMs);
  await Promise.race([stopped, over]);
  for (const exchange of exchanges) exchange.abort(serverClosed());
  for (const socket of sockets) socket.terminate();
  await listener.destroy();
  try {
    await lifespan.end(over);
  } finally {
    cancel();
  }
}

function closed({ socket }: { readonly socket: WebSocket }): Promise<void> {
  return new Promise((resolve) => {
    socket.addEventListener("close", () => {
      resolve();
    });
  });
}

/** Whether the system listens on all addresses of the machine. */
function isWildcard(address: Address): boolean {
  return address.transport === "tcp" && (address.hostname === "0.0.0.0" || address.hostname === "::");
}
