/**
 * 18 Routes by dictionary.
 *
 * A chain of `if` grows with every page. A dictionary from path to function has one line for a page, and the code that looks it
 * up does not change.
 *
 *     $ tsgi 7788 ./18-routes-by-dictionary.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl http://127.0.0.1:7788/index.py
 *     the index
 *     $ curl -w '%{http_code}\n' http://127.0.0.1:7788/constructor
 *     no page /constructor
 *     404
 */
import type { Handler, OutgoingResponse } from "@tsgi/gateway-spec";

const text = (status: number, body: string): OutgoingResponse => ({
  status,
  headers: { "content-type": "text/plain; charset=utf-8" },
  body: `${body}\n`,
});

// A Map and not an object: an object has members of its prototype, such as "constructor".
const pages: ReadonlyMap<string, () => OutgoingResponse> = new Map([
  ["/index.py", () => text(200, "the index")],
  ["/center.py", () => text(200, "the stocks that I follow")],
]);

export const application: Handler = (request) => {
  const { pathname } = new URL(request.url);
  return pages.get(pathname)?.() ?? text(404, `no page ${pathname}`);
};

/**
 * Exercise: make the key method and path, such as `GET /index.py`.
 * Question: how many pages does a shop with 10,000 articles need in this dictionary?
 */
