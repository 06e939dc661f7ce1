/** ../own-server with nothing but node:http below it: an application's life here, an exchange in the files beside. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Application, Handler, ServeOptions, Server } from "@tsgi/gateway-spec";
import { closable, exchangeError } from "@tsgi/gateway-spec/server-kit";
import { BareExchange } from "./exchange.ts";

export interface BareServeOptions extends ServeOptions {
  /** Silence of a client that owes request content, in milliseconds. Default 30,000. */
  readonly bodyTimeoutMs?: number;
}

export async function serve<State>(
  application: Application<State> | Handler,
  options: BareServeOptions = {},
): Promise<Server> {
  const {
    hostname = "127.0.0.1",
    port = 0,
    shutdownTimeoutMs = 10_000,
    bodyTimeoutMs = 30_000,
    logger = console,
  } = options;

  // Startup comes before anything else; what it throws is what serve rejects with.
  const app: Application<State> = typeof application === "function" ? { fetch: application } : application;
  const state = (await app.startup?.({ software: "bare-server/0.1.0", specVersion: "1.0" })) as State;
  const draining = new AbortController();
  const pending = new Set<Promise<unknown>>();
  const life = {
    state,
    draining: draining.signal,
    waitUntil: (work: Promise<unknown>) => {
      const logged = work.catch((error: unknown) => {
        logger.error("Work given to waitUntil failed", error);
      });
      const settled = logged.finally(() => pending.delete(settled));
      pending.add(settled);
    },
    logger,
    bodyTimeoutMs,
  };

  const running = new Set<BareExchange>();
  const unused = new Set<Socket>();
  const onRequest = (req: IncomingMessage, res: ServerResponse, awaitsContinue = false) => {
    unused.delete(req.socket);
    const exchange = new BareExchange(req, res, life, awaitsContinue);
    running.add(exchange);
    void exchange.run(app.fetch as Handler).then(() => {
      running.delete(exchange);
      if (draining.signal.aborted) server.closeIdleConnections();
      return undefined;
    });
  };
  const server = createServer({ requestTimeout: 0, requireHostHeader: false })
    .on("request", (req, res) => {
      onRequest(req, res);
    })
    .on("checkContinue", (req, res) => {
      onRequest(req, res, true);
    })
    // Connections that never had a request are not idle by node's reckoning.
    .on("connection", (socket) => {
      unused.add(socket);
      socket.once("close", () => unused.delete(socket));
    });
  server.listen(port, hostname);
  await once(server, "listening");

  // No more connections, draining, what runs, waitUntil, shutdown: in this order, and at the deadline it goes on.
  const close = async () => {
    const deadline = new Promise<void>((resolve) => setTimeout(resolve, shutdownTimeoutMs).unref());
    const stopped = new Promise<unknown>((resolve) => server.close(resolve));
    draining.abort(exchangeError("SERVER_CLOSED", "The server is shutting down"));
    for (const socket of unused) socket.destroy();
    await Promise.race([stopped, deadline]);
    for (const exchange of running) exchange.fail(exchangeError("SERVER_CLOSED", "The server has shut down"));
    server.closeAllConnections();
    await Promise.race([allOf(pending), deadline]);
    await app.shutdown?.(state);
  };
  const bound = server.address() as AddressInfo;
  return {
    address: { transport: "tcp", hostname: bound.address, port: bound.port },
    url: `http://${bound.address}:${bound.port}/`,
    ...closable(close),
  };
}

/** Work may leave more work behind. */
async function allOf(pending: ReadonlySet<Promise<unknown>>): Promise<void> {
  while (pending.size > 0) await Promise.all(pending);
}
