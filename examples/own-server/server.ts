/**
 * A TSGI server in a few dozen lines on `@tsgi/gateway-spec/server-kit`, which has the lifespan of the application and the exchange over
 * node's `(req, res)`. docs/write-a-server.md goes through it; ../bare-server writes out the exchange, too.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Application, Handler, ServeOptions, Server } from "@tsgi/gateway-spec";
import { closable, contentTimeout, Lifespan, serverClosed, SPEC_VERSION } from "@tsgi/gateway-spec/server-kit";
import { NodeExchange, type NodeHost } from "@tsgi/gateway-spec/server-kit/node";

export interface OwnServeOptions extends ServeOptions {
  /** Silence of a client that owes request content, in milliseconds. Default 30,000. */
  readonly bodyTimeoutMs?: number;
}

export async function serve<State>(
  application: Application<State> | Handler,
  options: OwnServeOptions = {},
): Promise<Server> {
  const {
    hostname = "127.0.0.1",
    port = 0,
    shutdownTimeoutMs = 10_000,
    bodyTimeoutMs = 30_000,
    logger = console,
  } = options;

  // 1. Startup comes before anything else; what it throws is what serve rejects with.
  const lifespan = new Lifespan(application, { software: "own-server/0.1.0", specVersion: SPEC_VERSION }, logger);
  await lifespan.start();

  // 2. What all exchanges share.
  const shared: NodeHost = { lifespan, maxBodyBytes: 16 * 1024 * 1024, maxDrainBytes: 64 * 1024 };

  // 3. An exchange for each request. A connection is remembered with the exchange that it runs, or null before its first.
  const connections = new Map<Socket, NodeExchange | null>();
  const take = (awaitsContinue: boolean) => (req: IncomingMessage, res: ServerResponse) => {
    if (isRefused(req, res)) return;
    const exchange = new NodeExchange(req, res, shared, awaitsContinue);
    connections.set(req.socket, exchange);
    res.once("close", () => {
      if (lifespan.draining.aborted) server.closeIdleConnections();
    });
    exchange.run(null);
  };
  const server = createServer({ requestTimeout: 0, requireHostHeader: false }, take(false)).on(
    "checkContinue",
    take(true),
  );
  server.on("connection", (socket) => {
    connections.set(socket, null);
    socket.once("close", () => connections.delete(socket));
  });

  // 4. Time-outs measure the client's silence where it owes something, never the handler's time.
  server.setTimeout(bodyTimeoutMs, (socket) => {
    const exchange = connections.get(socket);
    if (exchange?.waitingFor === "content") {
      exchange.contentFailed(contentTimeout());
    } else if (exchange === null || exchange?.res.writableFinished === true) {
      socket.destroy();
    }
    socket.setTimeout(bodyTimeoutMs);
  });

  server.listen(port, hostname);
  await once(server, "listening");

  // 5. The end: no more connections, draining, what runs, waitUntil, shutdown. In this order, and at the deadline it goes on.
  const close = async () => {
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, shutdownTimeoutMs).unref());
    const stopped = new Promise<unknown>((resolve) => server.close(resolve));
    lifespan.drain();
    for (const [socket, exchange] of connections) if (exchange === null) socket.destroy();
    await Promise.race([stopped, deadline]);
    for (const exchange of connections.values()) exchange?.abort(serverClosed());
    server.closeAllConnections();
    await lifespan.end(deadline);
  };
  const bound = server.address() as AddressInfo;
  return {
    address: { transport: "tcp", hostname: bound.address, port: bound.port },
    url: `http://${bound.address}:${bound.port}/`,
    ...closable(close),
  };
}

/**
 * Refuses what node announces as a request though it is none: one without a version or without Host, and framings of smugglers
 * (RFC 9112 §3.2 and §6.3, items 3 and 4). What came behind it is not answered.
 */
function isRefused(req: IncomingMessage, res: ServerResponse): boolean {
  const { headers, httpVersion, socket } = req;
  const coding = headers["transfer-encoding"]?.toLowerCase();
  const isSmuggled = coding !== undefined && (coding !== "chunked" || headers["content-length"] !== undefined);
  const isWhole = httpVersion === "1.0" || (httpVersion === "1.1" && headers.host !== undefined);
  if (socket.writable && isWhole && !isSmuggled) return false;
  res.writeHead(400, { connection: "close" }).end();
  socket.destroySoon();
  return true;
}
