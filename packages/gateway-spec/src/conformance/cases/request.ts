/** The head of a request: TSGI-1 to TSGI-5. */
import type { ConformanceCase } from "../case.ts";
import { check, equal } from "../expect.ts";
import { json, parse } from "./support.ts";

export const requestCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "request-method",
    http2: "also",
    rules: ["TSGI-1"],
    title: "the method is as received, with its case unchanged",
    sends: "Requests with GET, HEAD, POST, DELETE, PATCH, PROPFIND and `get`.",
    expects: "`request.method` as sent. For `get`, 400, 405 or 501 is permitted too.",
    source: 'RFC 9110 §9.1: "The method token is case-sensitive".',
    handler: () => (request) => ({ status: 200, headers: { "x-method": request.method } }),
    run: async (context) => {
      for (const method of ["GET", "HEAD", "POST", "DELETE", "PATCH", "PROPFIND"]) {
        const { fields } = await context.fetch({ method });
        equal(new Map(fields).get("x-method"), method, "request.method");
      }
      // Node's parser accepts registered methods only. A server may reject other methods, but must not change them.
      const { status, fields } = await context.fetch({ method: "get" });
      if (status === 200) equal(new Map(fields).get("x-method"), "get", "request.method");
      else check(status === 400 || status === 405 || status === 501, "expected the method or a rejection", status);
    },
  },
  {
    kind: "exchange",
    name: "request-url",
    http2: "also",
    rules: ["TSGI-2", "TSGI-3"],
    title: "the URL is absolute, has the scheme of the connection, and keeps its percent-encoding",
    sends: "Requests with percent-encoded octets, `//`, `..`, an empty query and reserved characters in their targets.",
    expects:
      "`request.url` is the scheme, the authority and the target, unchanged; `encrypted` is that of the connection.",
    source:
      "RFC 3986 §2.2: two URIs that differ only in the percent-encoding of a reserved character are not equivalent.",
    handler: () => (request, exchange) => json([request.url, exchange.encrypted]),
    run: async (context) => {
      for (const path of [
        "",
        "/",
        "/a%2Fb",
        "/%e6%B7%BB/%41",
        "//a/../b",
        "/a?x=%20&y=%2F",
        "/?",
        "/a;b=c",
        "/a:b@c",
      ]) {
        equal(
          parse(await context.fetch({ path })),
          [`${context.origin}${context.base}${path}`, context.encrypted],
          "request.url and exchange.encrypted",
        );
      }
    },
  },
  {
    kind: "exchange",
    name: "request-headers",
    http2: "also",
    rules: ["TSGI-4"],
    title: "header names are lower-case, and values have no surrounding white space and one character for each byte",
    sends:
      "One request with upper-case names, white space around a value, bytes above 127, an empty value and a name of symbols. HTTP/2 permits neither of the first two (RFC 9113 §8.2).",
    expects: "Lower-case names, and values without the white space around them, one character for each byte.",
    source: "RFC 9110 §5.5: a field value does not include leading or trailing white space.",
    handler: () => (request) => json([...request.headers].filter(([name]) => name.startsWith("x-"))),
    run: async (context) => {
      const response = await context.fetch({
        headers: [
          ["X-Upper", "Kept As It IS"],
          ["x-spaces", context.protocol === "h2" ? "a  b" : " \t a  b \t "],
          ["X-Latin", "caf\u{e9} \u{ff}"],
          ["x-empty", ""],
          ["x-!#$%&'*+.^_`|~", "token"],
        ],
      });
      equal(
        parse(response),
        [
          ["x-upper", "Kept As It IS"],
          ["x-spaces", "a  b"],
          ["x-latin", "caf\u{e9} \u{ff}"],
          ["x-empty", ""],
          ["x-!#$%&'*+.^_`|~", "token"],
        ],
        "request.headers",
      );
    },
  },
  {
    kind: "exchange",
    name: "request-headers-joined",
    http2: "also",
    rules: ["TSGI-5"],
    title: "lines of one field are joined with a comma, cookie lines with a semicolon, and set-cookie lines not at all",
    sends: "One request with two lines each of `x-list`, `cookie` and `set-cookie`.",
    expects: "`1, 2, 3` for the list, `a=1,2; b=3` for the cookies, and two values of `set-cookie` by iteration.",
    source:
      "RFC 9110 §5.3: a recipient may combine lines of one name in their order, with a comma between them; `Set-Cookie` is an exception.",
    handler: () => (request) => {
      const { headers } = request;
      return json({
        list: headers.get("x-list"),
        cookie: headers.get("cookie"),
        absent: headers.get("x-absent"),
        has: [headers.has("x-list"), headers.has("x-absent")],
        lines: [...headers].filter(([name]) => ["x-list", "cookie", "set-cookie"].includes(name)).toSorted(byText),
      });
    },
    run: async (context) => {
      const response = await context.fetch({
        headers: [
          ["x-list", "1"],
          ["cookie", "a=1,2"],
          ["Set-Cookie", "c=1"],
          ["X-List", "2, 3"],
          ["Cookie", "b=3"],
          ["set-cookie", "d=2"],
        ],
      });
      equal(
        parse(response),
        {
          list: "1, 2, 3",
          cookie: "a=1,2; b=3",
          absent: null,
          has: [true, false],
          lines: [
            ["cookie", "a=1,2; b=3"],
            ["set-cookie", "c=1"],
            ["set-cookie", "d=2"],
            ["x-list", "1, 2, 3"],
          ],
        },
        "the header view",
      );
    },
  },
];

function byText(a: readonly string[], b: readonly string[]): number {
  return a.join(" ") < b.join(" ") ? -1 : 1;
}
