/**
 * 41 gzip, ETag and caching.
 *
 * Two ways to send less: compressed, if the client accepts that, and nothing at all, if the client has the page already. An ETag
 * names a version of the content; a client that sends it back in If-None-Match gets 304 without content.
 *
 *     $ tsgi 7788 ./41-compression-and-caching.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl -o /dev/null -w '%{size_download}\n' http://127.0.0.1:7788/
 *     12000
 *     $ curl -H 'Accept-Encoding: gzip' -o /dev/null -w '%header{content-encoding} %header{vary}\n' http://127.0.0.1:7788/
 *     gzip Accept-Encoding
 *     $ curl --etag-save /tmp/etag -o /dev/null http://127.0.0.1:7788/; \
 *       curl --etag-compare /tmp/etag -w '%{http_code} %{size_download} %header{cache-control}\n' http://127.0.0.1:7788/
 *     304 0 max-age=60
 */
import { App, html } from "@tsgi/framework";
import { compression } from "@tsgi/framework/compression";
import { conditional } from "@tsgi/framework/conditional";

const app = new App();
app.use(conditional());
app.use(compression());

app.get("/", ({ header }) => {
  header("cache-control", "max-age=60");
  return html`${"a long page\n".repeat(1000)}`;
});

export default app;

/**
 * Exercise: compare the sizes of gzip, br and zstd for a file of your own.
 * Question: why must a response that depends on Accept-Encoding say so in Vary?
 */
