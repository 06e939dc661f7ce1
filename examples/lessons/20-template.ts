/**
 * 20 Templates: `<%content%>`.
 *
 * All pages of a site have the same frame. The layout has a mark, `<%content%>`, and the page takes its place. Values are
 * escaped: a name from a client is text and never HTML.
 *
 *     $ tsgi 7788 ./20-template.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl -G --data-urlencode 'name=<b>Ann</b>' http://127.0.0.1:7788/hello
 *     <!doctype html>
 *     <title>Hello</title>
 *     <p>Hello, &lt;b&gt;Ann&lt;/b&gt;</p>
 *     <ul>
 *     <li>one</li>
 *     <li>two</li>
 *     </ul>
 *
 * The files are views/layout.html and views/hello.html.
 */
import { App } from "@tsgi/framework";

const app = new App({ views: new URL("./views/", import.meta.url), layout: "layout" });

app.get("/hello", ({ query, render }) =>
  render("hello", { title: "Hello", name: query.get("name") ?? "stranger", items: ["one", "two"] }),
);

export default app;

/**
 * Exercise: write `<%~ it.name %>` in place of `<%= it.name %>`, and send a name with a script.
 * Question: the first templates replaced the mark by `page.replace("<%content%>", html)`; what does `$&` in the content do then?
 */
