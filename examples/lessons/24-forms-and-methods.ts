/**
 * 24 Forms, the seven methods, redirects and an own 404 page.
 *
 * GET reads and changes nothing. A form that changes something is a POST, and its response is a redirect, so that a reload does
 * not send the form again. PUT replaces, PATCH changes a part, DELETE removes; HEAD is GET without content; OPTIONS lists methods.
 *
 *     $ tsgi 7788 ./24-forms-and-methods.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ for METHOD in GET POST PUT PATCH DELETE; do curl -X $METHOD http://127.0.0.1:7788/methods; done
 *     you sent GET
 *     you sent POST
 *     you sent PUT
 *     you sent PATCH
 *     you sent DELETE
 *     $ curl -I -o /dev/null -w '%{http_code} %{size_download} bytes\n' http://127.0.0.1:7788/methods
 *     200 0 bytes
 *     $ curl -X OPTIONS -w '%header{allow}\n' http://127.0.0.1:7788/methods
 *     DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT
 *     $ curl -L -d name=Ann http://127.0.0.1:7788/hello
 *     <p>Hello, Ann</p>
 *     $ curl -w '%{http_code}\n' http://127.0.0.1:7788/nowhere
 *     <h1>There is no page /nowhere</h1>
 *     404
 */
import { App, html, HttpError } from "@tsgi/framework";
import { z } from "zod";

const app = new App({
  onError: (error, { url }) =>
    error instanceof HttpError && error.status === 404 ? html`<h1>There is no page ${url.pathname}</h1>\n` : undefined,
});

for (const method of ["get", "post", "put", "patch", "delete"] as const) {
  app[method]("/methods", ({ request }) => `you sent ${request.method}\n`);
}

const name = z.string().trim().min(1).max(40);
app.get("/hello", { query: { name: name.optional() } }, ({ query }) =>
  query.name === undefined
    ? html`<form method="post"><input name="name" /><button>Send</button></form>\n`
    : html`<p>Hello, ${query.name}</p>\n`,
);
app.post("/hello", { form: { name } }, ({ form, redirect }) =>
  redirect(`/hello?${new URLSearchParams(form).toString()}`),
);

export default app;

/**
 * Exercise: send the form without a name, and show it again with a message (`formPage` of `@tsgi/framework/forms`).
 * Question: the redirect has the status 303; what does a client do with 307 in its place?
 */
