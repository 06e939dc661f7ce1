/** The server loop: accepts connections, sweeps them, and shuts down in order. */
import { createServer, type Server as NetServer, type Socket } from "node:net";
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import { Crowd } from "../crowd.ts";
import { HeadWriter, Vocabulary } from "../http1/index.ts";
import { boundAddress, bind, deadline, serverUrl } from "../listening.ts";
import { SPEC_VERSION, start, STDERR_LOGGER } from "../lifecycle.ts";
import { DEFAULT_LIMITS, DEFAULT_SHUTDOWN_TIMEOUT_MS, SWEEP_MS, type SocketServeOptions } from "../options.ts";
import type { Clock } from "./clock.ts";
import { Connection } from "./connection.ts";
import type { ServerContext } from "./context.ts";

/** @param clock moved by hand in tests. */
export async function listen<State>(
  application: Application<State> | Handler,
  options: SocketServeOptions,
  clock: Clock,
): Promise<Server> {
  const logger = options.logger ?? STDERR_LOGGER;
  const life = await start(application, { software: "tsgi-socket/0.1.0", specVersion: SPEC_VERSION }, logger);
  const context: ServerContext = {
    life,
    limits: { ...DEFAULT_LIMITS, ...options },
    logger,
    encrypted: false,
    vocabulary: new Vocabulary(),
    writer: new HeadWriter(),
    connections: new Set(),
    crowd: new Crowd(options.maxConnectionsPerClient ?? DEFAULT_LIMITS.maxConnectionsPerClient),
    now: clock.now(),
    dateLine: dateLine(clock.now()),
    draining: false,
  };
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    accept(context, socket);
  });
  try {
    await bind(listener, options);
  } catch (error) {
    await life.end(Promise.resolve());
    throw error;
  }
  const stopSweeping = clock.every(SWEEP_MS, () => {
    context.now = clock.now();
    context.dateLine = dateLine(context.now);
    for (const connection of context.connections) connection.sweep(context.now);
  });

  const address = boundAddress(listener);
  let closing: Promise<void> | undefined;
  const close = () =>
    (closing ??= shutDown(context, listener, options.shutdownTimeoutMs ?? DEFAULT_SHUTDOWN_TIMEOUT_MS, clock).finally(
      stopSweeping,
    ));
  return { address, url: serverUrl("http", address), close };
}

function accept(context: ServerContext, socket: Socket): void {
  const { connections, limits } = context;
  if (connections.size >= limits.maxConnections || !context.crowd.admits(socket)) {
    socket.destroy();
    return;
  }
  const connection = new Connection(context, socket);
  connections.add(connection);
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

async function shutDown(context: ServerContext, listener: NetServer, timeoutMs: number, clock: Clock): Promise<void> {
  const { life, connections } = context;
  const stopped = new Promise<void>((resolve) => {
    // It calls back when the listener and every connection are closed.
    listener.close(() => {
      resolve();
    });
  });
  context.draining = true;
  context.now = clock.now();
  life.drain();
  for (const connection of connections) connection.drain();
  const { over, cancel } = deadline(timeoutMs, clock);
  await Promise.race([stopped, over]);
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
