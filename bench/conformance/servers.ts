/** The servers of the conformance table, each as the kit starts it. They are imported when they run: each needs its runtime. */
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import { createSecureServer, type Http2SecureServer } from "node:http2";
import type { Address, Handler, Logger, Serve, ServeOptions, Server } from "@tsgi/gateway-spec";
import { toFetch } from "@tsgi/gateway-spec/fetch";
import { type LifespanHandle, type NodeListener, toNode } from "@tsgi/gateway-spec/node";
import { closable } from "@tsgi/gateway-spec/server-kit";

/** The cases of clients that send nothing wait for it. */
const LIMITS = { bodyTimeoutMs: 500 };

const runtime = globalThis as unknown as Globals;

type Close = () => unknown;

/** A certificate and its key, as PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** @param tls `null` for a server without TLS. With it, clients may choose HTTP/2. */
export type CreateServe = (tls: Certificate | null) => Promise<Serve>;

export const SERVERS: Readonly<Record<string, CreateServe>> = {
  socket: async () => {
    const { serve } = await import("@tsgi/server/socket");
    return (application, options) => serve(application, { ...LIMITS, ...options });
  },
  node: async (tls) => {
    const { serve } = await import("@tsgi/server/node");
    const given = { ...LIMITS, ...(tls !== null && { tls }) };
    return (application, options) => serve(application, { ...given, ...options });
  },
  bun: async () => {
    const { serve } = await import("@tsgi/server/bun");
    return (application, options) => serve(application, { ...LIMITS, ...options });
  },
  deno: async (tls) => {
    const { serve } = await import("@tsgi/server/deno");
    const given = { ...LIMITS, ...(tls !== null && { tls }) };
    return (application, options) => serve(application, { ...given, ...options });
  },
  "hono-node-server": async (tls) => {
    const { serve } = await import("@hono/node-server");
    const secure =
      tls === null ? {} : { createServer: createSecureServer, serverOptions: { ...tls, allowHTTP1: true } };
    return onFetch(tls, async (fetch, { hostname = "127.0.0.1", port = 0 }) => {
      const listening = Promise.withResolvers<number>();
      const server = serve({ fetch, hostname, port, ...secure }, (info) => {
        listening.resolve(info.port);
      });
      server.once("error", listening.reject);
      const close = () => new Promise((resolve) => server.close(resolve));
      return { hostname, port: await listening.promise, close };
    });
  },
  srvx: async () => {
    const { serve } = await import("srvx");
    return onFetch(null, async (fetch, { hostname = "127.0.0.1", port = 0 }) => {
      const server = serve({ fetch, hostname, port, silent: true, gracefulShutdown: false });
      await server.ready();
      return { hostname, port: Number(new URL(server.url ?? "").port), close: () => server.close() };
    });
  },
  "node-http": (tls) =>
    Promise.resolve(onNode(tls, (listener, options) => listening(createListener(listener, tls), options))),
  express: async () => {
    const { default: express } = await import("express");
    return onNode(null, (listener, options) => listening(createServer(express().use(listener)), options));
  },
  koa: async (tls) => {
    const { default: Koa } = await import("koa");
    return onNode(tls, (listener, options) => {
      const app = new Koa().use((context) => {
        // The listener sends the response itself, without the status that koa has set.
        context.respond = false;
        context.res.statusCode = 200;
        listener(context.req, context.res);
      });
      const handle = app.callback();
      return listening(
        createListener((req, res) => void handle(req, res), tls),
        options,
      );
    });
  },
  fastify: async (tls) => {
    const { fastify } = await import("fastify");
    return onNode(tls, async (listener, { hostname = "127.0.0.1", port = 0, path }) => {
      // As an object: the types of an instance of HTTP/2 are others, and nothing here depends on them.
      const secure: object = tls === null ? {} : { http2: true, https: { ...tls, allowHTTP1: true } };
      const server = fastify(secure);
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
      onFetch(null, (fetch, { hostname = "127.0.0.1", port = 0 }) => {
        const server = runtime.Bun.serve({ fetch, hostname, port });
        return Promise.resolve({ hostname, port: server.port, close: () => server.stop() });
      }),
    ),
  "deno-serve": () =>
    Promise.resolve(
      onFetch(null, (fetch, { hostname = "127.0.0.1", port = 0 }) => {
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

/** A server of node:http; with TLS one of node:http2, whose clients may speak HTTP/1.1. */
function createListener(listener: RequestListener, tls: Certificate | null): HttpServer | Http2SecureServer {
  if (tls === null) return createServer(listener);
  // The compatibility objects of node:http2 have the members of those of node:http, which their types do not say.
  return createSecureServer({ ...tls, allowHTTP1: true }, listener as object as Http2Listener);
}

type RequestListener = NonNullable<Parameters<typeof createServer>[1]>;
type Http2Listener = NonNullable<Parameters<typeof createSecureServer>[1]>;

/** 0 for a Unix domain socket. */
function portOf(server: Pick<HttpServer, "address">): number {
  const address = server.address();
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

async function listening(
  server: HttpServer | Http2SecureServer,
  { hostname = "127.0.0.1", port = 0, path }: ServeOptions,
) {
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
function onFetch(tls: Certificate | null, listen: Listen<ReturnType<typeof toFetch>>): Serve {
  return onHost<ReturnType<typeof toFetch>>(tls, toFetch, listen);
}

/** A server that calls a listener of node:http, by `toNode`. */
function onNode(tls: Certificate | null, listen: Listen<NodeListener>): Serve {
  return onHost<NodeListener>(tls, toNode, listen);
}

function onHost<Adapted extends LifespanHandle>(
  tls: Certificate | null,
  adapt: (application: Handler, options: { readonly logger?: Logger }) => Adapted,
  listen: Listen<Adapted>,
): Serve {
  return async (application, options = {}): Promise<Server> => {
    const { logger } = options;
    const adapted = adapt(application as Handler, logger === undefined ? {} : { logger });
    await adapted.start();
    const { hostname, port, path, close } = await listen(adapted, options);
    const shutDown = async () => {
      const stopped = close();
      adapted.drain();
      await stopped;
      await adapted.close();
    };
    const url = `${tls === null ? "http" : "https"}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}/`;
    const address: Address = path === undefined ? { transport: "tcp", hostname, port } : { transport: "unix", path };
    return { address, url, ...closable(shutDown) };
  };
}
