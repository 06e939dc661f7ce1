/**
 * 50 The parts of a URL, and robots.txt.
 *
 * `https://user:password@example.com:8443/a%20b?q=1&q=2#part`: the client uses scheme, user, host and port to connect; the
 * server gets the path and the query; the fragment stays in the browser. robots.txt asks robots to leave paths alone.
 *
 *     $ tsgi 7788 ./50-url-and-robots.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl 'http://ann:secret@127.0.0.1:7788/parts/a%20b?q=1&q=2#part'
 *     {"scheme":"http:","host":"127.0.0.1:7788","path":"/parts/a%20b","rest":"a b","q":["1","2"],"fragment":"","user":"ann"}
 *     $ curl http://127.0.0.1:7788/robots.txt
 *     User-agent: *
 *     Disallow: /parts/
 */
import { App } from "@tsgi/framework";
import { basicCredentials } from "@tsgi/framework/security";

const app = new App();

app.get("/parts/*rest", ({ url, params, query, request }) => ({
  scheme: url.protocol,
  host: url.host,
  path: url.pathname,
  rest: params.rest,
  q: query.getAll("q"),
  fragment: url.hash,
  // The client sends user and password in the Authorization field, not in the target.
  user: basicCredentials(request)?.name ?? null,
}));

app.get("/robots.txt", () => "User-agent: *\nDisallow: /parts/\n");

export default app;

/**
 * Exercise: encode your name in Chinese as a query parameter by hand, and compare with `encodeURIComponent`.
 * Question: robots.txt is a request and no protection; what protects a path?
 */
