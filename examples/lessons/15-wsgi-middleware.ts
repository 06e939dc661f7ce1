/**
 * 15 WSGI middleware, and the validator.
 *
 * Middleware is an application for the server and a server for the application: it may change what goes in and what comes out.
 * The validator is such a middleware. It checks both sides by the rules of PEP 3333, and names the rule in the server's log.
 *
 *     $ node 15-wsgi-middleware.ts 7788 &
 *     http://127.0.0.1:7788/
 *     GET /wrong failed WsgiValidationError: The WSGI application is wrong: startResponse: the status must be …
 *     $ curl -w '%header{x-powered-by}\n' http://127.0.0.1:7788/
 *     hello
 *     TSGI
 *     $ curl -o /dev/null -w '%{http_code}\n' http://127.0.0.1:7788/wrong
 *     500
 */
import { validator, wsgi, type WsgiFunction } from "@tsgi/gateway-spec/wsgi";
import { serve } from "@tsgi/server/socket";

const hello: WsgiFunction = (environ, startResponse) => {
  // "200" has no reason and no space: the validator refuses it.
  startResponse(environ.PATH_INFO === "/wrong" ? "200" : "200 OK", [["Content-Type", "text/plain"]]);
  return ["hello\n"];
};

function poweredBy(application: WsgiFunction): WsgiFunction {
  return (environ, startResponse) =>
    application(environ, (status, headers) => startResponse(status, [...headers, ["X-Powered-By", "TSGI"]]));
}

const server = await serve(wsgi(poweredBy(validator(hello))), { port: Number(process.argv[2] ?? 7788) });
console.log(server.url);

/**
 * Exercise: write a middleware that logs method, path and status.
 * Question: a middleware that changes the content may read all pieces first; what does that cost for a long download?
 */
