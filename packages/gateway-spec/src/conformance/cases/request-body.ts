/** The content of a request: TSGI-7 to TSGI-12 and TSGI-14. */
import type { ConformanceCase, Probe } from "../case.ts";
import { field, type Protocol, type RequestParts } from "../wire.ts";
import { check, equal } from "../expect.ts";
import { codeOf, json, lastSegment, recordCompleted, ok, parse, readAll } from "./support.ts";

/** More than the socket buffers of a loopback connection hold, and less than common limits of content. */
const LARGE_UPLOAD_BYTES = 12 * 1024 * 1024;

/** If a client can send this much, the server has not closed the connection. */
const ENDLESS_BYTES = 256 * 1024 * 1024;

/** The codes with which truncated content may fail. */
const TRUNCATED: ReadonlySet<string> = new Set(["CLIENT_DISCONNECTED", "REQUEST_BODY_MALFORMED"]);

const EXPECT_CONTINUE = ["Expect", "100-continue"] as const;
const CHUNKED = ["Transfer-Encoding", "chunked"] as const;

/** A way to send less content than announced, and what the client does after it. */
interface Cut {
  readonly cut: string;
  readonly protocols: readonly Protocol[];
  readonly headers: readonly (readonly [string, string])[];
  readonly content: string;
  readonly after: "reset" | "end" | null;
}

const CUTS: readonly Cut[] = [
  {
    cut: "reset",
    protocols: ["http/1.1", "h2"],
    headers: [["Content-Length", "10"]],
    content: "1234",
    after: "reset",
  },
  {
    cut: "end-in-length",
    protocols: ["http/1.1", "h2"],
    headers: [["Content-Length", "10"]],
    content: "1234",
    after: "end",
  },
  { cut: "end-in-chunks", protocols: ["http/1.1"], headers: [CHUNKED], content: "4\r\n1234\r\n", after: "end" },
  { cut: "bad-chunk", protocols: ["http/1.1"], headers: [CHUNKED], content: "4\r\n1234\r\nxyz\r\n", after: null },
];

export const requestBodyCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "request-body-null",
    http2: "also",
    rules: ["TSGI-7"],
    title: "the body is null if and only if the message has no content",
    sends:
      "GET and POST without content, GET and POST with `Content-Length: 5`, and a POST with content of no given length.",
    expects: "`body` is `null` for the first two, and not for the others.",
    source:
      "RFC 9112 §6: a `Content-Length` or `Transfer-Encoding` field signals that a request has a body. In HTTP/2 the flag END_STREAM of the head says that it has none.",
    handler: () => (request) => ({ status: 200, headers: { "x-null": String(request.body === null) } }),
    run: async (context) => {
      const seen = async (parts: RequestParts) => field(await context.fetch(parts), "x-null");
      const body = "hello";
      equal(await seen({}), "true", "whether the body of a bare GET is null");
      equal(await seen({ method: "POST" }), "true", "whether the body of a bare POST is null");
      equal(await seen({ method: "POST", body }), "false", "whether the body of a POST with Content-Length is null");
      equal(await seen({ body }), "false", "whether the body of a GET with Content-Length is null");
      const wire = await context.connect();
      wire.request({ method: "POST", more: true });
      wire.write("a");
      wire.finish();
      equal(field(await wire.response(), "x-null"), "false", "whether the body of a POST without a length is null");
    },
  },
  {
    kind: "exchange",
    name: "request-body-chunked",
    rules: ["TSGI-8"],
    title: "the body yields the content in order, as byte arrays, without transfer coding",
    sends:
      "POSTs with `Content-Length` and with chunks, one of them with a chunk extension and a size in upper case with leading zeros, and an empty chunked POST.",
    expects: "The handler reads the content without chunk sizes and extensions.",
    source:
      "RFC 9112 §7.1: a recipient must be able to parse and decode the chunked coding, and ignores chunk extensions that it does not know (§7.1.1).",
    handler: () => async (request) => json(await readAll(request)),
    run: async (context) => {
      const post = async (headers: readonly (readonly [string, string])[], body: string) =>
        parse(await context.fetch({ method: "POST", headers, body }));
      equal(await post([], "hello, \r\n world"), "hello, \r\n world", "the content of a POST with Content-Length");
      equal(
        await post([CHUNKED], "5\r\nhello\r\n8;a=b\r\n, \r\n\r\nwo\r\n00A\r\n0123456789\r\n0\r\n\r\n"),
        "hello, \r\n\r\nwo0123456789",
        "the content of a chunked POST",
      );
      equal(await post([CHUNKED], "0\r\n\r\n"), "", "the content of an empty chunked POST");
    },
  },
  {
    kind: "exchange",
    name: "request-body-backpressure",
    http2: "also",
    rules: ["TSGI-10"],
    title: "the server does not buffer an unlimited amount of unread content",
    sends: "A POST with 12 MiB of content, which the handler does not read at first.",
    expects: "The client cannot send all of it until the handler reads; then the handler gets every byte in order.",
    handler: (probe) => async (request) => {
      probe.record("running");
      await probe.released("read");
      const hash = { bytes: 0, wrong: 0 };
      for await (const piece of request.body ?? []) {
        for (const byte of piece) if (byte !== hash.bytes++ % 251) hash.wrong++;
      }
      return json(hash);
    },
    run: async (context) => {
      const wire = await context.connect();
      const body = Uint8Array.from({ length: LARGE_UPLOAD_BYTES }, (_, index) => index % 251);
      wire.request({ method: "POST", body });
      await context.recorded("running");
      let before: number;
      do {
        before = wire.unsentBytes;
        await context.settle();
      } while (wire.unsentBytes !== before);
      check(wire.unsentBytes > 0, `the server has read ${LARGE_UPLOAD_BYTES} bytes that the application did not read`);
      await context.release("read");
      equal(parse(await wire.response()), { bytes: LARGE_UPLOAD_BYTES, wrong: 0 }, "the content");
    },
  },
  {
    kind: "exchange",
    name: "continue-on-first-pull",
    http2: "also",
    rules: ["TSGI-10"],
    title: "100 Continue is sent at the first pull of the body, and not earlier",
    sends: "A POST with `Expect: 100-continue` and without content. The handler waits before it reads.",
    expects:
      "No byte before the handler reads, then 100, then the final response when the client has sent the content.",
    source:
      "RFC 9110 §10.1.1: a server that gets this expectation either sends a final status or sends 100 to ask for the content.",
    handler: (probe) => async (request) => {
      const iterator = request.body?.[Symbol.asyncIterator]();
      probe.record("running");
      await probe.released("pull");
      const first = await iterator?.next();
      return ok(Buffer.from(first?.value ?? []).toString());
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ method: "POST", headers: [EXPECT_CONTINUE, ["Content-Length", "5"]], more: true });
      await context.recorded("running");
      await context.settle();
      equal(wire.hasReceived, false, "whether the server sent anything before the first pull");
      await context.release("pull");
      equal((await wire.head()).status, 100, "the status at the first pull");
      wire.write("hello");
      wire.finish();
      const { status, body } = await wire.response();
      equal([status, body.toString()], [200, "hello"], "the final response");
    },
  },
  {
    kind: "exchange",
    name: "continue-not-sent-when-unread",
    http2: "also",
    rules: ["TSGI-10"],
    title: "100 Continue is not sent if the application responds without reading the body",
    sends:
      "A POST with `Expect: 100-continue` and `Content-Length: 1000`. The handler responds with 403 and does not read.",
    expects: "403, and no 100 before it.",
    source: "RFC 9110 §10.1.1: an immediate final status lets the client omit the content.",
    handler: () => () => ({ status: 403, body: "no" }),
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ method: "POST", headers: [EXPECT_CONTINUE, ["Content-Length", "1000"]], more: true });
      const { status, informational, body } = await wire.response();
      equal([informational.length, status, body.toString()], [0, 403, "no"], "the response to an unread upload");
    },
  },
  {
    kind: "exchange",
    name: "request-body-truncated",
    http2: "also",
    rules: ["TSGI-11"],
    title: "reading content that did not arrive in full rejects with an error code",
    sends:
      "POSTs whose content is incomplete: the client resets the connection or the stream of HTTP/2, or ends its sending side within `Content-Length`; in HTTP/1.1 also within chunks, and by a malformed chunk.",
    expects:
      "Each read of the body rejects with `CLIENT_DISCONNECTED` or `REQUEST_BODY_MALFORMED`, and the handler goes on.",
    source:
      "RFC 9112 §8: content with fewer bytes than `Content-Length`, or without the last chunk, is incomplete. RFC 9113 §8.1.1 calls such a message malformed.",
    handler: (probe) => async (request) => {
      const cut = lastSegment(request.url);
      probe.record(`${cut}: running`);
      const outcome = await readAll(request);
      probe.record(`${cut}: ${TRUNCATED.has(outcome) ? "rejected" : outcome}`);
      probe.record(`${cut}: over`);
      return ok("");
    },
    run: async (context) => {
      const cuts = CUTS.filter(({ protocols }) => protocols.includes(context.protocol));
      for (const { cut, headers, content, after } of cuts) {
        const wire = await context.connect();
        wire.request({ method: "POST", path: `/${cut}`, headers, more: true });
        await context.recorded(`${cut}: running`);
        wire.write(content);
        await wire.sent();
        if (after !== null) wire[after]();
        await context.recorded(`${cut}: over`);
      }
      equal(
        await context.records(),
        cuts.flatMap(({ cut }) => [`${cut}: running`, `${cut}: rejected`, `${cut}: over`]),
        "what the readers of truncated content recorded",
      );
    },
  },
  {
    kind: "exchange",
    name: "unread-body-drained",
    rules: ["TSGI-12"],
    title: "unread content is drained, and not parsed as the next request",
    sends:
      "A POST and a chunked PUT whose content looks like a request, and a GET, on one connection. The handler reads no content.",
    expects: "Three responses in order, and three calls of the handler.",
    source:
      "RFC 9112 §9.3: a server must read the whole content or close the connection; otherwise the rest would be read as the next request.",
    handler: (probe) => (request) => {
      probe.record(request.url);
      return ok(request.method);
    },
    run: async (context) => {
      const trap = `GET ${context.base}/trap HTTP/1.1\r\nHost: ${context.authority}\r\n\r\n`;
      const wire = await context.connect();
      wire.request({ method: "POST", path: "/first", body: trap });
      wire.request({
        method: "PUT",
        path: "/second",
        headers: [CHUNKED],
        body: `${hex(trap)}\r\n${trap}\r\n0\r\n\r\n`,
      });
      wire.request({ path: "/third" });
      for (const method of ["POST", "PUT", "GET"]) {
        equal((await wire.response()).body.toString(), method, "the response to each request in turn");
      }
      const url = context.origin + context.base;
      equal(
        await context.records(),
        [`${url}/first`, `${url}/second`, `${url}/third`],
        "the requests that the handler received",
      );
    },
  },
  {
    kind: "exchange",
    name: "unread-body-closes",
    http2: "also",
    rules: ["TSGI-12"],
    title: "unread content beyond a limit closes the connection, or the stream of HTTP/2",
    sends: "A POST with endless content. The handler responds without reading.",
    expects: "The response, and the end of the connection or stream before the client has sent 256 MiB.",
    source:
      "RFC 9112 §9.3: a server that does not read the whole content closes the connection after its response. RFC 9113 §8.1 permits RST_STREAM with NO_ERROR for it.",
    deadlineMs: 10_000,
    handler: (probe) => () => {
      probe.record("called");
      return ok("unread");
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ method: "POST", more: true });
      const { status } = await wire.response();
      equal(status, 200, "the status of the response");
      const piece = new Uint8Array(64 * 1024);
      let sent = 0;
      while (!wire.over && sent < ENDLESS_BYTES) {
        wire.write(piece);
        sent += piece.byteLength;
        await wire.sent();
      }
      check(wire.over, `the server drained ${ENDLESS_BYTES} bytes of unread content without closing the connection`);
      equal(await context.records(), ["called"], "the calls of the handler");
    },
  },
  {
    kind: "exchange",
    name: "request-trailers",
    http2: "also",
    rules: ["TSGI-14"],
    title: "trailers fulfil after the body has been read to its end",
    sends:
      "POSTs with two trailer fields, one that the handler reads later, and requests without trailers; in HTTP/1.1 also one with a malformed trailer section.",
    expects:
      "`trailers` fulfils with the fields in order after the body was read, with none where there are none, and rejects for the malformed section.",
    source:
      "RFC 9112 §7.1.2: a chunked message may have a section of trailer fields after its last chunk. In HTTP/2 a second head carries them (RFC 9113 §8.1).",
    requires: "trailers",
    handler: (probe) => async (request, exchange) => {
      recordCompleted(probe, exchange);
      const { trailers } = request;
      if (trailers !== undefined && request.body !== null) void recordTrailers(probe, trailers);
      if (lastSegment(request.url) === "later") {
        probe.record("running");
        await probe.released("read");
        probe.record("reading");
      }
      const content = await readAll(request);
      return json([content, trailers === undefined ? null : [...(await trailers)]]);
    },
    run: async (context) => {
      const trailer = ["Trailer", "x-sum, x-other"] as const;
      const post = async (path: string) => {
        const wire = await context.connect();
        wire.request({ path, method: "POST", headers: [trailer], more: true });
        wire.write("abc");
        // HTTP/2 permits no white space around a value.
        wire.finish([
          ["X-Sum", "1"],
          ["x-other", context.protocol === "h2" ? "two" : " two "],
        ]);
        return wire;
      };
      equal(
        parse(await (await post("")).response()),
        [
          "abc",
          [
            ["x-sum", "1"],
            ["x-other", "two"],
          ],
        ],
        "content and trailers",
      );
      equal(parse(await context.fetch({ method: "POST", body: "abc" })), ["abc", []], "content without trailers");
      equal(parse(await context.fetch()), ["null", []], "no content and no trailers");

      const later = await post("/later");
      await context.recorded("running");
      await context.settle();
      await context.release("read");
      equal((parse(await later.response()) as readonly unknown[])[0], "abc", "the content that was read later");
      const records = await context.records();
      const order = records.slice(records.indexOf("running")).filter((record) => record !== "completed");
      equal(order, ["running", "reading", "trailers"], "trailers of content that is read later");

      if (context.protocol === "h2") return;
      const broken = await context.connect();
      broken.request({ method: "POST", headers: [CHUNKED, trailer], body: "3\r\nabc\r\nbroken\r\n" });
      await broken.response();
      await context.recorded("trailers rejected");
    },
  },
];

async function recordTrailers(probe: Probe, trailers: Promise<unknown>): Promise<void> {
  try {
    await trailers;
    probe.record("trailers");
  } catch (error) {
    probe.record(TRUNCATED.has(codeOf(error)) ? "trailers rejected" : `trailers: ${codeOf(error)}`);
  }
}

function hex(text: string): string {
  return text.length.toString(16);
}
