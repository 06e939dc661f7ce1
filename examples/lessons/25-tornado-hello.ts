/**
 * 25 A handler class, as in Tornado.
 *
 * Tornado has a class for each address, with a method for each request method. Each request gets a new object, so the fields of
 * the object belong to one request.
 *
 *     $ node 25-tornado-hello.ts 7788 &
 *     http://127.0.0.1:7788/
 *     $ curl http://127.0.0.1:7788/
 *     hello, GET of request 1
 *     $ curl -X POST http://127.0.0.1:7788/
 *     hello, POST of request 2
 */
import { App, RequestHandler } from "@tsgi/framework";
import { serve } from "@tsgi/server/socket";

let requests = 0;

class MainHandler extends RequestHandler {
  readonly number = ++requests;

  get() {
    return `hello, GET of request ${this.number}\n`;
  }

  post() {
    return `hello, POST of request ${this.number}\n`;
  }
}

const app = new App();
app.handle("/", MainHandler);

const server = await serve(app, { port: Number(process.argv[2] ?? 7788) });
console.log(server.url);

/**
 * Exercise: add `prepare()`, which refuses every request without a User-Agent.
 * Question: a PUT gets 405; which header field of that response says what is possible, and which code wrote it?
 */
