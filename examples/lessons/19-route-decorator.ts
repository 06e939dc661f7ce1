/**
 * 19 Routes by decorator.
 *
 * A decorator stands where the function is defined, so the path and its function cannot drift apart. It adds an entry to the
 * dictionary of lesson 18, and a pattern makes one entry serve many paths.
 *
 *     $ tsgi 7788 ./19-route-decorator.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl http://127.0.0.1:7788/index.html
 *     the index
 *     $ curl http://127.0.0.1:7788/stock/000007.html
 *     the stock 000007
 *     $ curl -o /dev/null -w '%{http_code}\n' http://127.0.0.1:7788/stock/7.html
 *     404
 */
import { App, get, on, route, type Context } from "@tsgi/framework";

const stock = route("GET /stock/:code(\\d{6}).html");

class Pages {
  @get("/index.html")
  index() {
    return "the index\n";
  }

  @on(stock)
  stock({ params }: Context<typeof stock>) {
    return `the stock ${params.code}\n`;
  }
}

const app = new App();
app.register(new Pages());
export default app;

/**
 * Exercise: add a page that shows the links to three stocks, each built by `stock.url({ code })`.
 * Question: when does a decorator run: when the class is defined, when an object is created, or when a request arrives?
 */
