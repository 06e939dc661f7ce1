/** Deno's own server; this file runs in Deno. */
import { ready } from "./control.ts";

/** The part of Deno's API that this file uses. */
declare const Deno: {
  serve(
    options: { hostname: string; port: number; onListen(address: { readonly port: number }): void },
    handle: (request: Request) => Response | Promise<Response>,
  ): object;
};

Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: ({ port }) => ready(port) }, (request) => {
  const { url } = request;
  if (url.endsWith("/json")) return Response.json({ message: "Hello, world!" });
  if (url.endsWith("/echo")) return request.json().then((value) => Response.json(value));
  return new Response("Hello, world!", { headers: { "content-type": "text/plain" } });
});
