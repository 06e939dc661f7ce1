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
    rules: ["TSGI-15", "TSGI-54"],
    title: "every object of the shape is a response: a literal, an instance, a web Response",
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
    rules: ["TSGI-16", "TSGI-38"],
    title: "an invalid status leads to a 500",
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
    rules: ["TSGI-17", "TSGI-38"],
    title: "an invalid header name or value, which could split the response, leads to a 500",
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
    rules: ["TSGI-17"],
    title: "a field value is sent as one byte for each character, with any body",
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
    rules: ["TSGI-18"],
    title: "connection fields of the application are not sent",
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
    rules: ["TSGI-19"],
    title: "each field line is sent separately, and lines of one name in their order",
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
    rules: ["TSGI-19"],
    title: "the server does not add a Content-Type",
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
    rules: ["TSGI-23"],
    title: "a frozen response with a whole body may be returned any number of times",
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
  withoutContent("head-no-content", "a response to HEAD has no content", 200, "HEAD"),
  withoutContent("no-content-204", "a response with status 204 has no content", 204, "GET"),
  withoutContent("no-content-205", "a response with status 205 has no content", 205, "GET"),
  withoutContent("no-content-304", "a response with status 304 has no content", 304, "GET"),
];

function withoutContent(name: string, title: string, status: number, method: string): ConformanceCase {
  return {
    kind: "exchange",
    name,
    rules: ["TSGI-24", "TSGI-40"],
    title: `${title}, and the body that the application returned is released unread`,
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
      wire.request({ path: "/after", headers: [["Connection", "close"]] });
      for (const path of ["/text", "/iterable", "/stream"]) {
        const response = await wire.response(method);
        equal([response.status, response.body.toString()], [status, ""], `the status and the content of ${path}`);
        if (status === 204) equal(field(response, "content-length"), null, "the Content-Length of a 204");
      }
      equal((await wire.response()).body.toString(), "after", "the next response on the connection");
      equal((await wire.rest()).bytes.toString("latin1"), "", "the bytes after the last response");
      await context.recorded("return");
      await context.recorded("cancel");
      equal(await context.records(), ["return", "cancel"], "the calls of the bodies");
    },
  };
}
