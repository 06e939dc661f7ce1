/**
 * 49 An access log.
 *
 * One line for each request: which client, when, what, which status, how many bytes. It is middleware around the application, so
 * it sees every response. `tsgi --access-log combined` does it without code.
 *
 *     $ node 49-access-log.ts 7788 &
 *     http://127.0.0.1:7788/
 *     127.0.0.1 - - […/…/…:…:…:… +0000] "GET /a?b=1 HTTP/1.1" 200 6 "-" "curl/…"
 *     127.0.0.1 - - […] "POST /nowhere HTTP/1.1" 404 0 "-" "my \"client\""
 *     $ curl 'http://127.0.0.1:7788/a?b=1'
 *     hello
 *     $ curl -X POST -A 'my "client"' -w '%{http_code}\n' http://127.0.0.1:7788/nowhere
 *     404
 */
import type { Handler } from "@tsgi/gateway-spec";
import { accessLog } from "@tsgi/gateway-spec/access-log";
import { serve } from "@tsgi/server/socket";

const handler: Handler = (request) =>
  new URL(request.url).pathname === "/a" ? { status: 200, body: "hello\n" } : { status: 404 };

const log = accessLog({ format: "combined" });
const server = await serve(log(handler), { port: Number(process.argv[2] ?? 7788) });
console.log(server.url);

/**
 * Exercise: write JSON lines with the duration, and find the slowest of a hundred requests.
 * Question: the second client has quotes in its name; what could a client do to a log that writes names as they are?
 */
