/**
 * 14 A WSGI application.
 *
 * WSGI (PEP 3333) separates server and application: the server calls a function with the request as a record and a function
 * that takes status and header fields; the application returns a list of pieces. `serve(wsgi(application))` is `make_server`.
 *
 *     $ node 14-wsgi-application.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl 'http://127.0.0.1:7788/index.py?page=2'
 *     GET /index.py page=2
 *     $ curl -d 'name=Ann' http://127.0.0.1:7788/
 *     POST / name=Ann
 */
import { type Environ, type StartResponse, wsgi } from "@tsgi/gateway-spec/wsgi";
import { serve } from "@tsgi/server/socket";

export function application(environ: Environ, startResponse: StartResponse): readonly string[] {
  const content = environ["wsgi.input"].read().toString();
  startResponse("200 OK", [["Content-Type", "text/plain; charset=utf-8"]]);
  // A list: a string alone is a list of its characters for Python, each of them sent by itself.
  return [`${environ.REQUEST_METHOD} ${environ.PATH_INFO} `, environ.QUERY_STRING || content, "\n"];
}

const server = await serve(wsgi(application), { port: Number(process.argv[2] ?? 7788) });
console.log(server.url);

/**
 * Exercise: list every member of `environ` whose name begins with HTTP_.
 * Question: `startResponse` returns nothing to the client by itself; when are status and header fields sent?
 */
