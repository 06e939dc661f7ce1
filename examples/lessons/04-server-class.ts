/**
 * 04 A server as a class, a port as an argument, and a usage line.
 *
 * A program that others start needs a name for its parts and a message for wrong use. From here on the sockets are those of
 * `@tsgi/server`: it parses the request, so a handler gets a request and returns a response.
 *
 *     $ node 04-server-class.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/
 *     GET http://127.0.0.1:7788/
 *     $ node 04-server-class.ts port; echo "exit code $?"
 *     usage: node 04-server-class.ts PORT
 *     exit code 2
 */
import type { IncomingRequest, OutgoingResponse, Server } from "@tsgi/gateway-spec";
import { serve } from "@tsgi/server/socket";

class WebServer {
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  start(): Promise<Server> {
    return serve((request) => this.respond(request), { port: this.#port });
  }

  respond({ method, url }: IncomingRequest): OutgoingResponse {
    return { status: 200, body: `${method} ${url}\n` };
  }
}

const [port = ""] = process.argv.slice(2);
if (/^\d+$/.test(port)) {
  const server = await new WebServer(Number(port)).start();
  console.log(server.url);
} else {
  console.error("usage: node 04-server-class.ts PORT");
  process.exitCode = 2;
}

/**
 * Exercise: close the server in order at SIGINT, and print a line when it has closed.
 * Question: why is the exit code 2, and not 0 or 1?
 */
