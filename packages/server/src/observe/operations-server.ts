/**
 * The operations port: `/live`, `/ready` and `/metrics` for probes and Prometheus, apart from the application's port. It is on node:http, so
 * that it works where the application and its server do not, and its requests are not in the metrics.
 */
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Config } from "../config.ts";

/** What the operations port reports. */
export interface Operations {
  /** Whether requests are served: not before a server listens, and not while it drains. */
  readonly isReady: () => boolean;
  /** In the text format of Prometheus. */
  readonly metrics: () => string;
}

/** Resolves when it listens, on `opsHostname` and `opsPort`. @throws an error with node's code, such as `EADDRINUSE`. */
export async function serveOperations(
  { opsHostname, opsPort }: Pick<Config, "opsHostname" | "opsPort">,
  { isReady, metrics }: Operations,
): Promise<Server> {
  const server = createServer((request, response) => {
    const respond = (status: number, body: string, type = "text/plain; charset=utf-8") => {
      response.writeHead(status, { "content-type": type, "cache-control": "no-store" });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      respond(405, "method not allowed\n");
      return;
    }
    const { url = "" } = request;
    switch (url.split("?", 1)[0]) {
      case "/live":
        respond(200, "live\n");
        break;
      case "/ready":
        if (isReady()) respond(200, "ready\n");
        else respond(503, "not ready\n");
        break;
      case "/metrics":
        respond(200, metrics(), "text/plain; version=0.0.4; charset=utf-8");
        break;
      case undefined:
      default:
        respond(404, "not found: /live, /ready and /metrics are here\n");
    }
  });
  server.listen(opsPort, opsHostname);
  try {
    await once(server, "listening");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const message = `Cannot listen on the operations port ${opsPort} of ${opsHostname} (${code}): choose another --ops-port`;
    throw Object.assign(new Error(message, { cause }), { code });
  }
  const { address, family, port } = server.address() as AddressInfo;
  const host = family === "IPv6" ? `[${address}]` : address;
  process.stdout.write(`tsgi: operations on http://${host}:${port}/\n`);
  // It must not keep a process alive that has nothing to serve.
  return server.unref();
}
