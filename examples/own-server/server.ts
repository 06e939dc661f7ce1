/** A TSGI server on node:http and the kit for server authors. docs/write-a-server.md explains it step by step. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Application, Handler, ServeOptions, Server } from "@tsgi/gateway-spec";
import * as kit from "@tsgi/gateway-spec/server-kit";
import { NodeExchange, type NodeHost } from "@tsgi/gateway-spec/server-kit/node";

export interface OwnServeOptions extends ServeOptions {
  /** How long a client that owes request content may send nothing, in milliseconds. Default 30,000. */
  readonly bodyTimeoutMs?: number;
}

/** What the server needs of an exchange over node's `(req, res)`. */
export type OwnExchange = Pick<NodeExchange, "res" | "waitingFor" | "contentFailed" | "abort" | "run">;

export async function serve<State>(
  application: Application<State> | Handler,
  options: OwnServeOptions = {},
  Exchange: new (...args: ConstructorParameters<typeof NodeExchange>) => OwnExchange = NodeExchange,
): Promise<Server> {
  const { hostname: host = "127.0.0.1", port = 0, path, shutdownTimeoutMs = 10_000, bodyTimeoutMs = 30_000 } = options;

  // 1. Startup comes first: serve rejects with what it throws.
  const lifespan = new kit.Lifespan(application, "own-server/0.1.0", options.logger);
  await lifespan.start();

  // 2. An exchange for each request. A connection is kept with its last exchange, or null before its first.
  const shared: NodeHost = { lifespan, maxBodyBytes: 16 * 1024 * 1024, maxDrainBytes: 64 * 1024 };
  const scope = new kit.HandlerScope();
  const connections = new Map<Socket, OwnExchange | null>();
  const handle = (req: IncomingMessage, res: ServerResponse, awaitsContinue: boolean) => {
    if (isRefused(req, res)) return;
    const exchange = new Exchange(req, res, shared, awaitsContinue);
    connections.set(req.socket, exchange);
    res.once("close", () => lifespan.isDraining && server.closeIdleConnections());
    exchange.run(scope);
  };
  const server = createServer({ requestTimeout: 0, requireHostHeader: false })
    .on("request", (req, res) => handle(req, res, false))
    .on("checkContinue", (req, res) => handle(req, res, true))
    .on("connection", (socket) => {
      connections.set(socket, null);
      socket.once("close", () => connections.delete(socket));
    });

  // 3. Timeouts measure the client where it owes something, never the handler.
  server.setTimeout(bodyTimeoutMs, (socket) => {
    const exchange = connections.get(socket);
    if (exchange?.waitingFor === "content") exchange.contentFailed(kit.contentTimeout());
    else if (exchange === null || exchange?.res.writableFinished === true) socket.destroy();
    socket.setTimeout(bodyTimeoutMs);
  });
  await once(server.listen(path === undefined ? { host, port } : { path }), "listening");

  // 4. Shutdown: no new connections, draining, what runs, waitUntil, shutdown. At the deadline it goes on.
  const shutDown = async () => {
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, shutdownTimeoutMs).unref());
    const stopped = new Promise<unknown>((resolve) => server.close(resolve));
    lifespan.drain();
    for (const [socket, exchange] of connections) if (exchange === null) socket.destroy();
    await Promise.race([stopped, deadline]);
    for (const exchange of connections.values()) exchange?.abort(kit.serverClosed());
    server.closeAllConnections();
    await lifespan.end(deadline);
  };
  const address = kit.boundAddress(server);
  return { address, url: kit.serverUrl("http", address), ...kit.closable(shutDown) };
}

/** Refuses what node's parser lets pass: no version, no Host, ambiguous framing (RFC 9112 §3.2, §6.3). */
function isRefused({ headers, httpVersion, socket }: IncomingMessage, res: ServerResponse): boolean {
  const coding = headers["transfer-encoding"]?.toLowerCase();
  const isAmbiguous = coding !== undefined && (coding !== "chunked" || headers["content-length"] !== undefined);
  const isWhole = httpVersion === "1.0" || (httpVersion === "1.1" && headers.host !== undefined);
  if (socket.writable && isWhole && !isAmbiguous) return false;
  res.writeHead(400, { connection: "close" }).end();
  socket.destroySoon();
  return true;
}
