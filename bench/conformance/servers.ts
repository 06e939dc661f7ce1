/** The servers of the conformance table, each as the kit starts it. They are imported when they run: each needs its runtime. */
import type { Handler, Serve, ServeOptions, Server } from "@tsgi/gateway-spec";
import { toFetch } from "@tsgi/gateway-spec/fetch";
import { closable } from "@tsgi/gateway-spec/server-kit";

/** The cases of clients that send nothing wait for it. */
const LIMITS = { bodyTimeoutMs: 500 };

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
};

/** A server for a Fetch handler, by `toFetch`. */
function onFetch(
  listen: (
    fetch: (request: Request) => Promise<Response>,
    options: ServeOptions,
  ) => Promise<{ readonly hostname: string; readonly port: number; readonly close: Close }>,
): Serve {
  return async (application, options = {}): Promise<Server> => {
    const { logger } = options;
    const fetch = toFetch(application as Handler, logger === undefined ? {} : { logger });
    await fetch.start();
    const { hostname, port, close } = await listen((request) => fetch(request), options);
    const shutDown = async () => {
      await close();
      await fetch.close();
    };
    const url = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}/`;
    return { address: { transport: "tcp", hostname, port }, url, ...closable(shutDown) };
  };
}
