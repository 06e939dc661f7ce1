/** Bun's own server; this file runs in Bun. */
import { KEEP_ALIVE_MS, ready, root, tls } from "./control.ts";
import { SLOW } from "./slow.ts";

/** The part of Bun's API that this file uses. */
declare const Bun: {
  serve(options: {
    hostname: string;
    port: number;
    idleTimeout: number;
    tls?: { cert: string; key: string };
    fetch(request: Request): Response | Promise<Response>;
    error(): Response;
  }): { readonly port: number };
  file(path: string): Blob;
  gc(synchronously: boolean): void;
};

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: KEEP_ALIVE_MS / 1000,
  ...(tls === null ? {} : { tls }),
  fetch(request) {
    const { url } = request;
    if (url.endsWith("/json")) return Response.json({ message: "Hello, world!" });
    if (url.endsWith("/echo")) return request.json().then((value) => Response.json(value));
    const at = url.indexOf("/files/");
    if (at !== -1) return new Response(Bun.file(root + url.slice(at)));
    const slow = SLOW[url.slice(url.indexOf("/", "http://".length))];
    if (slow !== undefined) return Promise.resolve(slow()).then((content) => new Response(content));
    return new Response("Hello, world!", { headers: { "content-type": "text/plain" } });
  },
  // Of a file that is not there.
  error: () => new Response(null, { status: 404 }),
});
ready(server.port, () => Bun.gc(true));
