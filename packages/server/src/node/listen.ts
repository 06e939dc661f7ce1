/** The server loop on node:http: accepts connections, sweeps them, and shuts down in order. */
import { createServer, type IncomingMessage, type Server as HttpServer, type ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";
import type { Application, Handler, Server } from "@tsgi/gateway-spec";
import type { NodeHost } from "@tsgi/gateway-spec/node";
import { Crowd } from "../crowd.ts";
import { Vocabulary } from "../http1/index.ts";
import { type Life, SPEC_VERSION, start, STDERR_LOGGER } from "../lifecycle.ts";
import { bind, boundAddress, deadline, serverUrl } from "../listening.ts";
import {
  DEFAULT_LIMITS,
  DEFAULT_SHUTDOWN_TIMEOUT_MS,
  SWEEP_MS,
  type Limits,
  type NodeServeOptions,
} from "../options.ts";
import { type Clock, everySweep } from "../socket/clock.ts";
import { NodeConnection, type NodeContext } from "./connection.ts";

/** @param clock moved by hand in tests; node's own time-outs do not follow it. */
export async function listen<State>(
  application: Application<State> | Handler,
  options: NodeServeOptions,
  clock: Clock,
): Promise<Server> {
  const logger = options.logger ?? STDERR_LOGGER;
  const limits: Limits = { ...DEFAULT_LIMITS, ...options };
  const life = await start(application, { software: "tsgi-node/0.1.0", specVersion: SPEC_VERSION }, logger);
  const connections = new Map<Socket, NodeConnection>();
  const host: NodeHost = {
    state: life.state,
    draining: life.draining,
    waitUntil: life.waitUntil,
    logger,
    maxBodyBytes: limits.maxBodyBytes,
    maxDrainBytes: limits.maxDrainBytes,
    onUpgrade: (exchange, response) => {
      connections.get(exchange.req.socket)?.open(exchange, response);
    },
  };
  const context: NodeContext = {
    host,
    handler: life.handler,
    limits,
    vocabulary: new Vocabulary(),
    connections,
    crowd: new Crowd(limits.maxConnectionsPerClient),
    now: clock.now(),
  };
  const listener = createListener(context);
  try {
    await bind(listener, options);
  } catch (error) {
    await life.end(Promise.resolve());
    throw error;
  }
  const stopSweeping = everySweep(clock, SWEEP_MS, (now) => {
    context.now = now;
    for (const connection of context.connections.values()) connection.sweep(now);
  });

  const address = boundAddress(listener);
  const timeoutMs = options.shutdownTimeoutMs ?? DEFAULT_SHUTDOWN_TIMEOUT_MS;
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= shutDown(context, life, listener, timeoutMs, clock).finally(stopSweeping));
  return { address, url: serverUrl("http", address), close };
}

function createListener(context: NodeContext): HttpServer {
  const { limits, connections } = context;
  const listener = createServer({
    noDelay: true,
    // It drops the request line and line ends from its count; the rest is checked once the head is whole.
    maxHeaderSize: limits.maxHeadBytes,
    headersTimeout: limits.headTimeoutMs,
    // It would measure the whole request, a slow handler's reading included; we measure the client's silence.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: SWEEP_MS,
    // Checked together with the rest of the head, for one and the same answer.
    requireHostHeader: false,
    insecureHTTPParser: false,
    // From node 24.9 on: an ordinary request that names a protocol and brings content, which node would give away as the protocol's.
    shouldUpgradeCallback: ({ headers }) =>
      headers["content-length"] === undefined && headers["transfer-encoding"] === undefined,
  });
  // Node forgets fields beyond this silently; beyond our own limit the answer is 431.
  listener.maxHeadersCount = 0;

  const take = (req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean) => {
    connections.get(req.socket)?.request(req, res, awaitsContinue);
  };
  listener.on("request", (req, res) => {
    take(req, res, false);
  });
  listener.on("checkContinue", (req, res) => {
    take(req, res, true);
  });
  // Any other expectation is refused with the rest of the head's faults.
  listener.on("checkExpectation", (req, res) => {
    take(req, res, false);
  });
  const change = (req: IncomingMessage, _socket: unknown, head: Buffer) => {
    connections.get(req.socket)?.upgrade(req, head);
  };
  // CONNECT is refused with the rest of a head's faults; node would cut the connection.
  listener.on("connect", change);
  listener.on("upgrade", change);
  listener.on("clientError", (error, socket) => {
    // The sockets of a server on node:net are of that kind.
    connections.get(socket as Socket)?.broken(error);
  });
  listener.on("connection", (socket) => {
    accept(context, socket);
  });
  return listener;
}

function accept(context: NodeContext, socket: Socket): void {
  const { connections, limits } = context;
  if (connections.size >= limits.maxConnections || !context.crowd.admits(socket)) {
    socket.destroy();
    return;
  }
  const connection = new NodeConnection(context, socket);
  connections.set(socket, connection);
  socket.on("close", () => {
    connections.delete(socket);
    connection.closed();
  });
}

async function shutDown(
  context: NodeContext,
  life: Life,
  listener: HttpServer,
  timeoutMs: number,
  clock: Clock,
): Promise<void> {
  const { connections } = context;
  const stopped = new Promise<void>((resolve) => {
    // Not http's own close(), which would first cut idle connections that may be about to send a request.
    NetServer.prototype.close.call(listener, () => {
      resolve();
    });
  });
  life.drain();
  for (const connection of connections.values()) connection.drain();
  const { over, cancel } = deadline(timeoutMs, clock);
  await Promise.race([stopped, over]);
  // The listener is closed a moment before its last connections are.
  await Promise.all(Array.from(connections.values(), (connection) => connection.cut()));
  // What it does beside closing: it stops its own clock.
  listener.close(() => undefined);
  try {
    await life.end(over);
  } finally {
    cancel();
  }
}
