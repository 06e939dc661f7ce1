/**
 * 31 AJAX: a page that asks without a reload.
 *
 * A script of the page sends a request while the reader types, and puts the result into the page. The server has a page, a
 * script and an address with data. The script is a file: the Content-Security-Policy of the framework allows no script in a page.
 *
 *     $ tsgi 7788 ./31-ajax.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl 'http://127.0.0.1:7788/names?begin=a'
 *     ["Ann","Anton"]
 *     $ curl http://127.0.0.1:7788/
 *     <input id="begin"> <output id="names"></output> <script src="/names.js"></script>
 *     $ curl -o /dev/null -w '%{content_type}\n' http://127.0.0.1:7788/names.js
 *     text/javascript; charset=utf-8
 *
 * Open the page in a browser and type an A.
 */
import { App, html, respond } from "@tsgi/framework";

const app = new App();
const names = ["Ann", "Anton", "Bert"];

app.get("/", () => html`<input id="begin"> <output id="names"></output> <script src="/names.js"></script>\n`);

app.get("/names", ({ query }) => {
  const begin = query.get("begin")?.toLowerCase() ?? "";
  return names.filter((name) => name.toLowerCase().startsWith(begin));
});

const script = `
const [input, output] = [document.querySelector("#begin"), document.querySelector("#names")];
input.addEventListener("input", async () => {
  const response = await fetch("/names?" + new URLSearchParams({ begin: input.value }));
  output.textContent = (await response.json()).join(", ");
});
`;
app.get("/names.js", () =>
  respond({ status: 200, headers: { "content-type": "text/javascript; charset=utf-8" }, body: script }),
);

export default app;

/**
 * Exercise: the responses to "a" and "an" may arrive in the wrong order; abort the older request (`AbortController`).
 * Question: why `textContent` and not `innerHTML`?
 */
