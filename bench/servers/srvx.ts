/** A Fetch handler on srvx, with its static files and its Response class, which is faster than the platform's. */
import { FastResponse, serve } from "srvx";
import { staticMiddleware } from "srvx/static";
import { KEEP_ALIVE_MS, ready, root } from "./control.ts";

const files = staticMiddleware({ dir: root, encodings: true });
const notFound = () => new FastResponse(null, { status: 404 });
const json = (value: unknown) =>
  new FastResponse(JSON.stringify(value), { headers: { "content-type": "application/json" } });

const server = serve({
  hostname: "127.0.0.1",
  port: 0,
  silent: true,
  gracefulShutdown: false,
  node: { keepAliveTimeout: KEEP_ALIVE_MS },
  fetch(request) {
    const { url } = request;
    if (url.endsWith("/json")) return json({ message: "Hello, world!" });
    if (url.endsWith("/echo")) return request.json().then(json);
    if (url.includes("/files/")) return files(request, notFound);
    return new FastResponse("Hello, world!", { headers: { "content-type": "text/plain" } });
  },
});
await server.ready();
ready(Number(new URL(server.url ?? "").port));
