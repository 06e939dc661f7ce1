/** The server loop: accepts connections, sweeps them, and shuts down in order. */
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import { Crowd } from "../crowd.ts";
import { HeadWriter, Vocabulary } from "../http1/index.ts";
import { boundAddress, bind, deadline, serverUrl } from "../listening.ts";
import { SPEC_VERSION, start, STDERR_LOGGER } from "../lifecycle.ts";
import { DEFAULT_LIMITS, DEFAULT_SHUTDOWN_TIMEOUT_MS, SWEEP_MS, type SocketServeOptions } from "../options.ts";
import { Certificates } from "../tls/certificates.ts";
import { TlsHandshakes } from "../tls/handshakes.ts";
import { type Clock, everySweep } from "./clock.ts";
import { Connection } from "./connection.ts";
import type { ServerContext } from "./context.ts";

/** @param clock moved by hand in tests. */
export async function listen<State>(
  application: Application<State> | Handler,
  options: SocketServeOptions,
  clock: Clock,
): Promise<Server> {
  const logger = options.logger ?? STDERR_LOGGER;
  const certificates = options.tls === undefined ? null : await Certificates.load(options.tls, options, logger);
  const life = await start(application, { software: "tsgi-socket/0.1.0", specVersion: SPEC_VERSION }, logger);
  const context: ServerContext = {
    life,
    limits: { ...DEFAULT_LIMITS, ...options },
    logger,
    encrypted: certificates !== null,
    vocabulary: new Vocabulary(),
    writer: new HeadWriter(),
    connections: new Set(),
    crowd: new Crowd(options.maxConnectionsPerClient ?? DEFAULT_LIMITS.maxConnectionsPerClient),
    now: 0,
    dateLine: dateLine(clock.now()),
    draining: false,
  };
  const { listener, front } = createListener(context, certificates);
  try {
    await bind(listener, options);
  } catch (error) {
    await life.end(Promise.resolve());
    throw error;
  }
  const stopSweeping = everySweep(clock, SWEEP_MS, (now) => {
    context.now = now;
    context.dateLine = dateLine(clock.now());
    for (const connection of context.connections) connection.sweep(now);
    front?.sweep(now, context.draining);
  });

  const address = boundAddress(listener);
  let closing: Promise<void> | undefined;
  const close = () =>
    (closing ??= shutDown(
      context,
      { listener, front },
      options.shutdownTimeoutMs ?? DEFAULT_SHUTDOWN_TIMEOUT_MS,
      clock,
    ).finally(stopSweeping));
  return { address, url: serverUrl(context.encrypted ? "https" : "http", address), close };
}

/** What listens: with TLS, its front too. */
interface Listening {
  readonly listener: NetServer;
  readonly front: TlsHandshakes | null;
}

function createListener(context: ServerContext, certificates: Certificates | null): Listening {
  if (certificates === null) {
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
      if (admits(context, context.connections.size, socket)) accept(context, socket);
      else socket.destroy();
    });
    return { listener, front: null };
  }
  // RFC 7301 §3.2: a client that offers protocols and not this one is refused.
  const listener = createTlsServer({ noDelay: true, ...certificates.listenerOptions, ALPNProtocols: ["http/1.1"] });
  const front: TlsHandshakes = new TlsHandshakes(
    listener,
    certificates,
    context,
    (tcp) => admits(context, context.connections.size + front.size, tcp),
    (socket) => {
      // Not before: who ends in the middle of a handshake is gone.
      socket.allowHalfOpen = true;
      accept(context, socket);
    },
  );
  return { listener, front };
}

function admits({ limits, crowd }: ServerContext, count: number, tcp: Socket): boolean {
  return count < limits.maxConnections && crowd.admits(tcp);
}

function accept(context: ServerContext, socket: Socket): void {
  const { connections } = context;
  const connection = new Connection(context, socket);
  connections.add(connection);
  // A handshake may end while the server drains.
  if (context.draining) connection.drain();
  let cause: unknown;
  socket.on("data", (bytes) => {
    // Without setEncoding() a socket gives buffers.
    connection.read(bytes as Buffer);
  });
  socket.on("end", () => {
    connection.ended();
  });
  socket.on("drain", () => {
    connection.drained();
  });
  socket.on("error", (error) => {
    cause = error;
  });
  socket.on("close", () => {
    connection.closed(cause);
  });
}

async function shutDown(
  context: ServerContext,
  { listener, front }: Listening,
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const { life, connections } = context;
  const stopped = new Promise<void>((resolve) => {
    // It calls back when the listener and every connection are closed.
    listener.close(() => {
      resolve();
    });
  });
  context.draining = true;
  life.drain();
  for (const connection of connections) connection.drain();
  const { over, cancel } = deadline(timeoutMs, clock);
  await Promise.race([stopped, over]);
  front?.cut();
  // The listener is closed a moment before its last connections are.
  await Promise.all(Array.from(connections, (connection) => connection.cut()));
  try {
    await life.end(over);
  } finally {
    cancel();
  }
}

function dateLine(now: number): string {
  return `Date: ${new Date(now).toUTCString()}\r\n`;
}
