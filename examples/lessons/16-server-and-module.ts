/**
 * 16 The server's command: port and `module:application`.
 *
 * The application does not import a server. The command gets a port and the name of a module with its export, so one server runs
 * every application, and one application runs on every server.
 *
 *     $ tsgi 7788 ./16-server-and-module.ts:application &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl http://127.0.0.1:7788/index.html
 *     the page /index.html
 *     $ tsgi 7789 ./16-server-and-module.ts:application --server node &
 *     tsgi: http://127.0.0.1:7789/ (node server, pid …)
 *     $ curl http://127.0.0.1:7789/index.html
 *     the page /index.html
 */
import type { Handler } from "@tsgi/gateway-spec";

export const application: Handler = (_request, exchange) => ({
  status: 200,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: `the page ${exchange.target}\n`,
});

/**
 * Exercise: start it with a wrong name of the export, and with a port that is in use; read the messages and exit codes.
 * Question: which lines of lesson 04 are in the command now, and which are in the application?
 */
