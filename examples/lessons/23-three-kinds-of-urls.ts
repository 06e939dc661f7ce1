/**
 * 23 Static, dynamic and pseudo-static URLs, and rewriting.
 *
 * `/news.html` is a file, `/news?id=74` a program with a parameter. `/news/74.html` looks like a file and is a program: people
 * and search engines prefer such addresses. A rewrite keeps an old address alive without a second page.
 *
 *     $ tsgi 7788 ./23-three-kinds-of-urls.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl http://127.0.0.1:7788/news.html
 *     <!doctype html>
 *     <title>News</title>
 *     <h1>A file</h1>
 *     $ curl 'http://127.0.0.1:7788/news?id=74'
 *     news 74
 *     $ curl http://127.0.0.1:7788/news/74.html
 *     news 74
 *     $ curl http://127.0.0.1:7788/newsmore/74
 *     news 74
 *     $ curl -o /dev/null -w '%{http_code}\n' 'http://127.0.0.1:7788/news?id=x'
 *     422
 */
import { App } from "@tsgi/framework";
import { staticFiles } from "@tsgi/server/static-files";
import { z } from "zod";

const app = new App();
const show = (id: number | string) => `news ${id}\n`;

app.get("/news", { query: { id: z.coerce.number().int() } }, ({ query }) => show(query.id));
app.get("/news/:id(\\d+).html", ({ params }) => show(params.id));
app.rewrite("/newsmore/:id", "/news/:id(\\d+).html");
app.mount("/", staticFiles(new URL("./html/", import.meta.url)));

export default app;

/**
 * Exercise: redirect the old address with 301 in place of the rewrite; what does a browser show in both cases?
 * Question: a page has three addresses now; which of them should a search engine keep, and how does it learn that?
 */
