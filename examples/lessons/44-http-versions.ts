/**
 * 44 HTTP/2 and HTTP/1.0.
 *
 * The versions differ in how messages are written, not in what they mean, so the application is the same. HTTP/1.0 closes the
 * connection after a response. HTTP/2 sends many exchanges over one connection at the same time; clients choose it in the TLS
 * handshake (ALPN).
 *
 *     $ node 44-http-versions.ts 7788 &
 *     https://127.0.0.1:7788/
 *     $ curl -k --http2 https://127.0.0.1:7788/
 *     HTTP/2 by h2
 *     $ curl -k --http1.1 https://127.0.0.1:7788/
 *     HTTP/1.1 by http/1.1
 *     $ curl -k --http1.0 --no-alpn https://127.0.0.1:7788/
 *     HTTP/1.0 by no choice
 *     $ curl -k --http2 -w ' %{num_connects}\n' -o /dev/null 'https://127.0.0.1:7788/?[1-3]'
 *      1
 *      0
 *      0
 */
import type { Handler } from "@tsgi/gateway-spec";
import { serve } from "@tsgi/server/node";

const handler: Handler = (_request, { protocol, tls }) => ({
  status: 200,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: `HTTP/${protocol} by ${tls?.applicationProtocol ?? "no choice"}\n`,
});

const server = await serve(handler, { port: Number(process.argv[2] ?? 7788), tls: "self-signed" });
console.log(server.url);

/**
 * Exercise: print the header fields of the request in both versions; which field of HTTP/1.1 is missing in HTTP/2?
 * Question: why do browsers use HTTP/2 over TLS only?
 */
