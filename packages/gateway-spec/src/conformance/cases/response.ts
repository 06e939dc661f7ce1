/** The head and the shape of a response: TSGI-15 to TSGI-20, TSGI-23 and TSGI-24. */
import type { HeaderFields, OutgoingResponse } from "../../index.ts";
import type { ConformanceCase } from "../case.ts";
import { check, equal } from "../expect.ts";
import { field, lines } from "../wire.ts";
import { lastSegment, recordSignal, ok, pieces, watchedBody } from "./support.ts";

/** A response that is an instance of a class. */
class TextResponse implements OutgoingResponse {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  get status(): number {
    return 200;
  }

  get headers(): HeaderFields {
    return new Map([["x-shape", "instance"]]);
  }

  get body(): string {
    return this.#text;
  }
}

const SHAPES: Readonly<Record<string, () => OutgoingResponse>> = {
  literal: () => ({ status: 200, headers: { "x-shape": "literal" }, body: "literal" }),
  pairs: () => ({ status: 200, headers: [["x-shape", "pairs"]], body: "pairs" }),
  instance: () => new TextResponse("instance"),
  web: () => new Response("web", { headers: { "x-shape": "web" } }),
  "unknown-members": () =>
    Object.assign(ok("unknown-members", { "x-shape": "unknown-members" }), {
      statusText: 7,
      extra: {},
    }),
};

/** Invalid statuses, some of which only code without types can return. */
const BAD_STATUSES: readonly unknown[] = [
  0,
  99,
  100,
  101,
  199,
  600,
  1000,
  -1,
  200.5,
  Number.NaN,
  "200",
  undefined,
  null,
];

const BAD_HEADERS: readonly HeaderFields[] = [
  { "x-split": "a\r\nx-injected: 1" },
  { "x-split": "a\nx-injected: 1" },
  { "x-split": "a\rx-injected: 1" },
  { "x-null": "a\0b" },
  { "x-wide": "添" },
  { "x-control": "a\u{7f}" },
  { "x name": "a" },
  { "x-name:": "a" },
  { "": "a" },
  { "x-injected: 1\r\nx": "a" },
  [["x-n\u{e4}me", "a"]],
];

const CONSTANT: OutgoingResponse = Object.freeze({
  status: 200,
  headers: Object.freeze({ "x-constant": "yes", "set-cookie": Object.freeze(["a=1", "b=2"]) }),
  body: "constant",
});

/** Bodies with which a field value must not change. A server may encode head and body together, so text is a risk. */
const BODIES: Readonly<Record<string, () => OutgoingResponse["body"]>> = {
  ascii: () => "ascii",
  text: () => "caf\u{e9} 添",
  bytes: () => new Uint8Array([0xe6, 0xb7, 0xbb]),
  pieces: () => pieces("caf\u{e9}", "添"),
  none: () => null,
};

export const responseCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "response-shapes",
    http2: "also",
    rules: ["TSGI-15", "TSGI-54"],
    title: "every object of the shape is a response: a literal, an instance, a web Response",
    sends:
      "One request for each shape: a literal, header pairs, an instance of a class, a web `Response`, and an object with unknown members.",
    expects: "Status, field and body of each.",
    handler: () => (request) => SHAPES[lastSegment(request.url)]?.() ?? ok(""),
    run: async (context) => {
      for (const shape of Object.keys(SHAPES)) {
        const response = await context.fetch({ path: `/${shape}` });
        equal(
          [response.status, field(response, "x-shape"), response.body.toString()],
          [200, shape, shape],
          "status, field and body",
        );
      }
    },
  },
  {
    kind: "exchange",
    name: "bad-status-is-500",
    http2: "also",
    rules: ["TSGI-16", "TSGI-38"],
    title: "an invalid status leads to a 500",
    sends: 'One request for each invalid status, such as 99, 100, 600, 200.5, `"200"` and `undefined`.',
    expects: "Status 500, no informational response, and not the body of the application.",
    source: "RFC 9110 §15: status codes outside the range from 100 to 599 are invalid.",
    handler: () => (request) => ({
      status: BAD_STATUSES[Number(lastSegment(request.url))] as number,
      body: "unsent",
    }),
    run: async (context) => {
      for (const [index, status] of BAD_STATUSES.entries()) {
        const response = await context.fetch({ path: `/${index}` });
        equal([response.status, response.informational], [500, []], `the response to the status ${String(status)}`);
        check(!response.body.includes("unsent"), `the body of the status ${String(status)} was sent`);
      }
    },
  },
  {
    kind: "exchange",
    name: "bad-header-is-500",
    http2: "also",
    rules: ["TSGI-17", "TSGI-38"],
    title: "an invalid header name or value, which could split the response, leads to a 500",
    sends:
      "One request for each invalid field, such as a value with CR LF or NUL, a name with a space and an empty name.",
    expects: "Status 500, and neither the injected field nor the body of the application.",
    source: 'RFC 9110 §5.5: "Field values containing CR, LF, or NUL characters are invalid and dangerous".',
    handler: () => (request) => ok("unsent", BAD_HEADERS[Number(lastSegment(request.url))]),
    run: async (context) => {
      for (const [index, headers] of BAD_HEADERS.entries()) {
        const response = await context.fetch({ path: `/${index}` });
        equal(response.status, 500, `the status for the headers ${JSON.stringify(headers)}`);
        equal(field(response, "x-injected"), null, "the field that was injected");
        check(!response.body.includes("unsent"), "the body was sent");
      }
    },
  },
  {
    kind: "exchange",
    name: "header-value-bytes",
    http2: "also",
    rules: ["TSGI-17"],
    title: "a field value is sent as one byte for each character, with any body",
    sends: "One request for each kind of body. The response has a field value with characters from U+0080 to U+00FF.",
    expects: "One byte for each character of the value, with every body.",
    source: "RFC 9110 §5.5: a recipient should treat octets above 127 in a field value as opaque data.",
    handler: () => (request) => ({
      status: 200,
      headers: { "x-bytes": "\u{80}\u{e9}\u{ff}\ta~" },
      body: BODIES[lastSegment(request.url)]?.() ?? null,
    }),
    run: async (context) => {
      for (const body of Object.keys(BODIES)) {
        const response = await context.fetch({ path: `/${body}` });
        equal(field(response, "x-bytes"), "\u{80}\u{e9}\u{ff}\ta~", `the field value with the body ${body}`);
      }
    },
  },
  {
    kind: "exchange",
    name: "connection-fields-not-sent",
    http2: "also",
    rules: ["TSGI-18"],
    title: "connection fields of the application are not sent",
    sends:
      "One request. The response of the application has `Connection`, `Keep-Alive`, `Proxy-Connection`, `Transfer-Encoding` and `Upgrade`.",
    expects: "The response without these values, or status 500.",
    source:
      "RFC 9110 §7.6.1: `Connection` lists the control options of one connection, which is the server's and not the application's.",
    handler: () => () =>
      ok("body", {
        Connection: "x-from-application",
        "Keep-Alive": "x-from-application",
        "proxy-connection": "x-from-application",
        "Transfer-Encoding": "gzip",
        Upgrade: "x-from-application",
      }),
    run: async (context) => {
      const wire = await context.connect();
      wire.request();
      const response = await wire.response();
      check([200, 500].includes(response.status), "expected the response or a 500", response.status);
      const sent = response.fields.filter(([, value]) => value.includes("x-from-application") || value === "gzip");
      equal(sent, [], "the application's fields on the wire");
    },
  },
  {
    kind: "exchange",
    name: "set-cookie-lines",
    http2: "also",
    rules: ["TSGI-19"],
    title: "each field line is sent separately, and lines of one name in their order",
    sends: "Requests for two `Set-Cookie` and two `Link` fields, as pairs and as a record of lists.",
    expects: "Two lines of each, in order.",
    source: "RFC 6265 §3: origin servers should not fold several `Set-Cookie` fields into one.",
    handler: () => (request) =>
      request.url.endsWith("/pairs")
        ? ok("", [
            ["set-cookie", "a=1"],
            ["link", "</a>"],
            ["Set-Cookie", "b=2"],
            ["link", "</b>"],
          ])
        : ok("", { "set-cookie": ["a=1", "b=2"], link: ["</a>", "</b>"] }),
    run: async (context) => {
      for (const path of ["/pairs", "/record"]) {
        const response = await context.fetch({ path });
        equal(lines(response, "set-cookie"), ["a=1", "b=2"], "the lines of Set-Cookie");
        equal(lines(response, "link"), ["</a>", "</b>"], "the lines of Link");
      }
    },
  },
  {
    kind: "exchange",
    name: "no-content-type-added",
    http2: "also",
    rules: ["TSGI-19"],
    title: "the server does not add a Content-Type",
    sends: "Requests for text, bytes, chunks and no body, without a `Content-Type`.",
    expects: "Responses without a `Content-Type`.",
    source: "RFC 9110 §8.3: a sender that does not know the media type of the content omits the field.",
    handler: () => (request) => {
      const bodies: Readonly<Record<string, () => OutgoingResponse>> = {
        text: () => ok("<html>"),
        bytes: () => ({ status: 200, body: Buffer.from("{}") }),
        pieces: () => ({ status: 404, body: pieces("a") }),
        empty: () => ({ status: 200 }),
      };
      return bodies[lastSegment(request.url)]?.() ?? ok("");
    },
    run: async (context) => {
      for (const path of ["/text", "/bytes", "/pieces", "/empty"]) {
        equal(field(await context.fetch({ path }), "content-type"), null, `the Content-Type of ${path}`);
      }
    },
  },
  {
    kind: "exchange",
    name: "constant-response",
    http2: "also",
    rules: ["TSGI-23"],
    title: "a frozen response with a whole body may be returned any number of times",
    sends: "Three requests on one connection. The handler returns the same frozen object.",
    expects: "Three equal responses.",
    handler: () => () => CONSTANT,
    run: async (context) => {
      const wire = await context.connect();
      for (let time = 0; time < 3; time++) {
        wire.request();
        const response = await wire.response();
        equal(
          [response.status, field(response, "x-constant"), lines(response, "set-cookie"), response.body.toString()],
          [200, "yes", ["a=1", "b=2"], "constant"],
          "the constant response",
        );
      }
    },
  },
  withoutContent(
    "head-no-content",
    "to HEAD",
    200,
    "RFC 9110 §9.3.2: a server must not send content in the response to HEAD.",
  ),
  withoutContent(
    "no-content-204",
    "with status 204",
    204,
    "RFC 9110 §15.3.5: a 204 response ends with its head, because it cannot have content.",
  ),
  withoutContent(
    "no-content-205",
    "with status 205",
    205,
    "RFC 9110 §15.3.6: a server must not generate content in a 205 response.",
  ),
  withoutContent(
    "no-content-304",
    "with status 304",
    304,
    "RFC 9110 §15.4.5: a 304 response ends with its head, because it cannot have content.",
  ),
];

function withoutContent(
  name: string,
  what: string,
  status: number,
  source: NonNullable<ConformanceCase["source"]>,
): ConformanceCase {
  const method = status === 200 ? "HEAD" : "GET";
  return {
    kind: "exchange",
    name,
    http2: "also",
    rules: ["TSGI-24", "TSGI-40"],
    title: `a response ${what} has no content, and the body that the application returned is released unread`,
    sends: `Three ${method} requests on one connection, for a text, an async iterable and a stream with status ${status}, and then a GET.`,
    expects:
      "Three responses without content, and the next response after them. The server reads no chunk, and calls `return()` and `cancel()` once.",
    source,
    handler: (probe) => (request) => {
      recordSignal(probe, request);
      const path = lastSegment(request.url);
      if (path === "after") return ok("after");
      if (path === "text") return { status, body: "text" };
      if (path === "iterable") {
        return {
          status,
          body: watchedBody(probe, (index) =>
            Promise.resolve(index < 3 ? { value: "never" } : { done: true, value: undefined }),
          ),
        };
      }
      return {
        status,
        body: new ReadableStream<Uint8Array>(
          {
            pull: () => {
              probe.record("pull");
            },
            cancel: () => {
              probe.record("cancel");
            },
          },
          { highWaterMark: 0 },
        ),
      };
    },
    run: async (context) => {
      const wire = await context.connect();
      for (const path of ["/text", "/iterable", "/stream"]) wire.request({ method, path });
      wire.request({ path: "/after", last: true });
      for (const path of ["/text", "/iterable", "/stream"]) {
        const response = await wire.response(method);
        equal([response.status, response.body.toString()], [status, ""], `the status and the content of ${path}`);
        if (status === 204) equal(field(response, "content-length"), null, "the Content-Length of a 204");
      }
      equal((await wire.response()).body.toString(), "after", "the next response on the connection");
      equal((await wire.closed()).toString("latin1"), "", "the bytes after the last response");
      await context.recorded("return");
      await context.recorded("cancel");
      equal(await context.records(), ["return", "cancel"], "the calls of the bodies");
    },
  };
}
