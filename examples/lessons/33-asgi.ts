/**
 * 33 An ASGI application.
 *
 * ASGI is the asynchronous successor of WSGI: `scope` describes the connection, `receive` gives events, `send` takes them. The
 * first event of a response is its start. A classic listing sends the body alone, and no server can make a response of that.
 *
 *     $ tsgi 7788 ./33-asgi.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     GET /without-start failed …
 *     $ curl -d 'some content' http://127.0.0.1:7788/index
 *     POST /index: 12 bytes
 *     $ curl -o /dev/null -w '%{http_code}\n' http://127.0.0.1:7788/without-start
 *     500
 */
import { asgi } from "@tsgi/gateway-spec/asgi";

export const application = asgi(async (scope, receive, send) => {
  if (scope.type !== "http") throw new Error(`this application knows no ${scope.type}`);

  let bytes = 0;
  for (let hasMore = true; hasMore;) {
    const event = await receive();
    if (event.type !== "http.request") return;
    bytes += event.body.length;
    hasMore = event.more_body;
  }

  if (scope.path !== "/without-start") {
    await send({ type: "http.response.start", status: 200, headers: [["content-type", "text/plain"]] });
  }
  await send({ type: "http.response.body", body: `${scope.method} ${scope.path}: ${bytes} bytes\n` });
});

/**
 * Exercise: send the response in two pieces with `more_body`, a second apart, and watch it with `curl -N`.
 * Question: WSGI returns the response; why does ASGI send it?
 */
