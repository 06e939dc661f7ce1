/** The servers of the conformance table, each as the kit starts it. They are imported when they run: each needs its runtime. */
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { Address, Handler, Logger, Serve, ServeOptions, Server } from "@tsgi/gateway-spec";
import { toFetch } from "@tsgi/gateway-spec/fetch";
import { type LifespanHandle, type NodeListener, toNode } from "@tsgi/gateway-spec/node";
import { closable } from "@tsgi/gateway-spec/server-kit";

/** The cases of clients that send nothing wait for it. */
const LIMITS = { bodyTimeoutMs: 500 };

const runtime = globalThis as unknown as Globals;

type Close = () => unknown;

export const SERVERS: Readonly<Record<string, () => Promise<Serve>>> = {
  socket: async () => {
    const { serve } = await import("@tsgi/server/socket");
    return (application, options) => serve(application, { ...LIMITS, ...options });
  },
  node: async () => {
    const { serve } = await import("@tsgi/server/node");
    return (application, options) => serve(application, { ...LIMITS, ...options });
  },
  bun: async () => {
    const { serve } = await import("@tsgi/server/bun");
    return (application, options) => serve(application, { ...LIMITS, ...options });
  },
  deno: async () => {
    const { serve } = await import("@tsgi/server/deno");
    return (application, options) => serve(application, { ...LIMITS, ...options });
  },
  "hono-node-server": async () => {
    const { serve } = await import("@hono/node-server");
    return onFetch(async (fetch, { hostname = "127.0.0.1", port = 0 }) => {
      const listening = Promise.withResolvers<number>();
      const server = serve({ fetch, hostname, port }, (info) => {
        listening.resolve(info.port);
      });
      server.once("error", listening.reject);
      const close = () => new Promise((resolve) => server.close(resolve));
      return { hostname, port: await listening.promise, close };
    });
  },
  srvx: async () => {
    const { serve } = await import("srvx");
    return onFetch(async (fetch, { hostname = "127.0.0.1", port = 0 }) => {
      const server = serve({ fetch, hostname, port, silent: true, gracefulShutdown: false });
      await server.ready();
      return { hostname, port: Number(new URL(server.url ?? "").port), close: () => server.close() };
    });
  },
  "node-http": () => Promise.resolve(onNode((listener, options) => listening(createServer(listener), options))),
  express: async () => {
    const { default: express } = await import("express");
    return onNode((listener, options) => listening(createServer(express().use(listener)), options));
  },
  fastify: async () => {
    const { fastify } = await import("fastify");
    return onNode(async (listener, { hostname = "127.0.0.1", port = 0, path }) => {
      const server = fastify();
      // The application reads the content itself.
      server.removeAllContentTypeParsers();
      server.addContentTypeParser("*", (_request, _payload, done) => {
        done(null);
      });
      server.all("*", (request, reply) => {
        reply.hijack();
        listener(request.raw, reply.raw);
      });
      await server.listen(path === undefined ? { host: hostname, port } : { path });
      return { hostname, port: portOf(server.server), path, close: () => server.close() };
    });
  },
  "bun-serve": () =>
    Promise.resolve(
      onFetch((fetch, { hostname = "127.0.0.1", port = 0 }) => {
        const server = runtime.Bun.serve({ fetch, hostname, port });
        return Promise.resolve({ hostname, port: server.port, close: () => server.stop() });
      }),
    ),
  "deno-serve": () =>
    Promise.resolve(
      onFetch((fetch, { hostname = "127.0.0.1", port = 0 }) => {
        const server = runtime.Deno.serve({ hostname, port, onListen: () => undefined }, fetch);
        return Promise.resolve({ hostname, port: server.addr.port, close: () => server.shutdown() });
      }),
    ),
};

/** The parts of the runtimes that are used here. */
interface Globals {
  readonly Bun: {
    serve(options: { readonly fetch: FetchFunction; readonly hostname: string; readonly port: number }): {
      readonly port: number;
      stop(): Promise<void>;
    };
  };
  readonly Deno: {
    serve(
      options: { readonly hostname: string; readonly port: number; readonly onListen: () => void },
      fetch: FetchFunction,
    ): { readonly addr: { readonly port: number }; shutdown(): Promise<void> };
  };
}

type FetchFunction = (request: Request) => Promise<Response>;

/** 0 for a Unix domain socket. */
function portOf(server: HttpServer): number {
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

async function listening(server: HttpServer, { hostname = "127.0.0.1", port = 0, path }: ServeOptions) {
  server.listen(path === undefined ? { host: hostname, port } : { path });
  await once(server, "listening");
  const close = () => new Promise((resolve) => server.close(resolve));
  return { hostname, port: portOf(server), path, close };
}

type Listen<Adapted> = (
  adapted: Adapted,
  options: ServeOptions,
) => Promise<{
  readonly hostname: string;
  readonly port: number;
  /** Of the Unix domain socket on which the server listens in place of `port`. */
  readonly path?: string | undefined;
  readonly close: Close;
}>;

/** A server for a Fetch handler, by `toFetch`. */
function onFetch(listen: Listen<ReturnType<typeof toFetch>>): Serve {
  return onHost<ReturnType<typeof toFetch>>(toFetch, listen);
}

/** A server that calls a listener of node:http, by `toNode`. */
function onNode(listen: Listen<NodeListener>): Serve {
  return onHost<NodeListener>(toNode, listen);
}

function onHost<Adapted extends LifespanHandle>(
  adapt: (application: Handler, options: { readonly logger?: Logger }) => Adapted,
  listen: Listen<Adapted>,
): Serve {
  return async (application, options = {}): Promise<Server> => {
    const { logger } = options;
    const adapted = adapt(application as Handler, logger === undefined ? {} : { logger });
    await adapted.start();
    const { hostname, port, path, close } = await listen(adapted, options);
    const shutDown = async () => {
      await close();
      await adapted.close();
    };
    const url = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}/`;
    const address: Address = path === undefined ? { transport: "tcp", hostname, port } : { transport: "unix", path };
    return { address, url, ...closable(shutDown) };
  };
}
