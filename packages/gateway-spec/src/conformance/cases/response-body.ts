/** The body of a response: its kinds, its length, its pace and its trailers: TSGI-20 to TSGI-22, TSGI-25 and TSGI-26. */
import type { OutgoingResponse } from "../../index.ts";
import type { ConformanceCase } from "../case.ts";
import { check, equal } from "../expect.ts";
import { field } from "../wire.ts";
import { json, lastSegment, recordCompleted, ok, parse, pieces } from "./support.ts";

const SLOW_CHUNK_BYTES = 64 * 1024;

/** Together far more than the socket buffers of a loopback connection hold. */
const SLOW_CHUNKS = 512;

const KINDS: Readonly<Record<string, { readonly response: () => OutgoingResponse; readonly sent: string }>> = {
  string: { response: () => ok("caf\u{e9} 添"), sent: "caf\u{e9} 添" },
  "empty-string": { response: () => ok(""), sent: "" },
  bytes: { response: () => ({ status: 200, body: new Uint8Array([0xe6, 0xb7, 0xbb]) }), sent: "添" },
  "view-of-bytes": { response: () => ({ status: 200, body: Buffer.from("0123456789").subarray(2, 5) }), sent: "234" },
  iterable: { response: () => ({ status: 200, body: pieces("添", new Uint8Array([98]), "", "c") }), sent: "添bc" },
  "empty-iterable": { response: () => ({ status: 200, body: pieces() }), sent: "" },
  stream: { response: () => ({ status: 200, body: ReadableStream.from(pieces("a", Buffer.from("b"))) }), sent: "ab" },
  web: { response: () => new Response("web 添"), sent: "web 添" },
  null: { response: () => ({ status: 200, body: null }), sent: "" },
  absent: { response: () => ({ status: 200 }), sent: "" },
  "given-length": {
    response: () => ({ status: 200, headers: { "Content-Length": "4" }, body: pieces("ab", "cd") }),
    sent: "abcd",
  },
};

/** Values that are not bodies, which code without types may return. */
const NOT_BODIES: readonly unknown[] = [["a", "b"], new Set(["a"]), new Map(), {}, 7, true, new Uint16Array(2)];

/** More chunks of one byte than a server sends before it has to yield. */
const BUSY_CHUNKS = 100_000;

export const responseBodyCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "body-kinds",
    http2: "also",
    rules: ["TSGI-21"],
    title: "a body is a string, bytes, an async iterable, a stream or nothing",
    sends:
      "One request for each kind of body: text, bytes, a view of bytes, an iterable, a stream, a web `Response`, `null`, none, and chunks with a given `Content-Length`.",
    expects: "The content of each, framed by `Content-Length` or chunks and not by the end of the connection.",
    source:
      "RFC 9112 §6.3: a response without both is delimited by the end of the connection, which looks like a truncated message.",
    handler: () => (request) => KINDS[lastSegment(request.url)]?.response() ?? ok("unknown"),
    run: async (context) => {
      for (const [kind, { sent }] of Object.entries(KINDS)) {
        const wire = await context.connect();
        wire.request({ path: `/${kind}` });
        const { status, framing, body } = await wire.response();
        equal([status, body.toString()], [200, sent], `the response with the body ${kind}`);
        check(framing !== "close", `the body ${kind} is delimited by the end of the connection`);
      }
    },
  },
  {
    kind: "exchange",
    name: "sync-iterable-is-500",
    http2: "also",
    rules: ["TSGI-21", "TSGI-38"],
    title: "a value that is not a body, such as a synchronous iterable, leads to a 500",
    sends:
      "One request for each value that is not a body: an array, a set, a map, an object, a number, a boolean and a `Uint16Array`.",
    expects: "Status 500 for each.",
    handler: () => (request) => ({ status: 200, body: NOT_BODIES[Number(lastSegment(request.url))] as string }),
    run: async (context) => {
      for (const [index, body] of NOT_BODIES.entries()) {
        equal((await context.fetch({ path: `/${index}` })).status, 500, `the status for the body ${String(body)}`);
      }
    },
  },
  {
    kind: "exchange",
    name: "bad-chunk-truncates",
    http2: "also",
    rules: ["TSGI-22", "TSGI-39"],
    title: "a chunk that is neither string nor bytes destroys the connection",
    sends: "A request for a body that yields a string, and then a number.",
    expects:
      "The first chunk, and then the end of the connection without a last chunk; `completed` rejects with `RESPONSE_FAILED`.",
    source: "RFC 9112 §8: a chunked body without its last chunk is incomplete.",
    handler: (probe) => (_request, exchange) => {
      recordCompleted(probe, exchange);
      return {
        status: 200,
        body: (async function* () {
          yield "valid";
          await probe.released("bad");
          yield 42 as unknown as string;
          yield "never";
        })(),
      };
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request();
      await wire.head();
      equal(String(await wire.piece()), "valid", "the first chunk");
      await context.release("bad");
      equal((await wire.truncated()).toString("latin1"), "", "the bytes after the last valid chunk");
      await context.recorded("completed RESPONSE_FAILED");
    },
  },
  {
    kind: "exchange",
    name: "content-length-mismatch-is-500",
    http2: "also",
    rules: ["TSGI-20", "TSGI-38"],
    title: "a whole body that contradicts its Content-Length leads to a 500",
    sends: "Requests for five bytes with a `Content-Length` of 5, 4, 6, `5, 5`, `+5`, `0x5`, -5 and `five`.",
    expects: "The body for 5, and status 500 for the others.",
    source: "RFC 9110 §8.6: a sender must not forward a message with a `Content-Length` that is known to be incorrect.",
    handler: () => (request) => ok("12345", { "content-length": decodeURIComponent(lastSegment(request.url)) }),
    run: async (context) => {
      equal((await context.fetch({ path: "/5" })).body.toString(), "12345", "the body of the right length");
      for (const length of ["4", "6", "5, 5", "+5", "0x5", "-5", "five"]) {
        const response = await context.fetch({ path: `/${encodeURIComponent(length)}` });
        equal(response.status, 500, `the status for five bytes with the Content-Length ${length}`);
      }
    },
  },
  ofWrongLength("content-length-too-long", "more", ["123", "4567"]),
  ofWrongLength("content-length-too-short", "fewer", ["123", "4"]),
  {
    kind: "exchange",
    name: "busy-body-yields",
    http2: "also",
    rules: ["TSGI-25"],
    title: "a body whose chunks are always at hand leaves other exchanges their turns",
    sends: "A request for 100,000 chunks of one byte that are ready at once.",
    expects: "The whole body, and at least one turn of the event loop for other work before its end.",
    handler: (probe) => () => {
      let turns = 0;
      setImmediate(() => turns++);
      return {
        status: 200,
        body: (async function* () {
          // Few bytes, so that the client's reading speed does not pause the body.
          for (let i = 0; i < BUSY_CHUNKS; i++) yield "x";
          probe.record(turns === 0 ? "alone" : "beside others");
        })(),
      };
    },
    run: async (context) => {
      equal((await context.fetch()).body.byteLength, BUSY_CHUNKS, "the length of the body");
      equal(await context.records(), ["beside others"], "how the body ran");
    },
  },
  {
    kind: "exchange",
    name: "slow-reader",
    http2: "also",
    rules: ["TSGI-25"],
    title: "the server pulls no more of a body than the client reads, and sends it in order",
    sends: "A request for 512 chunks of 64 KiB. The client does not read at first.",
    expects: "The server stops pulling until the client reads; then the client gets every chunk in order.",
    handler: (probe) => {
      let yielded = 0;
      return (request) => {
        if (request.url.endsWith("/yielded")) return json(yielded);
        return {
          status: 200,
          body: (async function* () {
            probe.record("begun");
            for (; yielded < SLOW_CHUNKS; yielded++) yield new Uint8Array(SLOW_CHUNK_BYTES).fill(yielded % 251);
            probe.record("all yielded");
          })(),
        };
      };
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.pause();
      wire.request();
      await context.recorded("begun");
      const yielded = async () => parse(await context.fetch({ path: "/yielded" }));
      let before: unknown;
      do {
        before = await yielded();
        await context.settle();
      } while ((await yielded()) !== before);
      equal(
        await context.records(),
        ["begun"],
        `what the body recorded while the client read none of ${SLOW_CHUNKS} chunks`,
      );
      wire.resume();
      const { body } = await wire.response();
      equal(body.byteLength, SLOW_CHUNKS * SLOW_CHUNK_BYTES, "the bytes received");
      const ordered = body.every((byte, index) => byte === Math.floor(index / SLOW_CHUNK_BYTES) % 251);
      check(ordered, "the chunks arrived in another order");
    },
  },
  {
    kind: "exchange",
    name: "chunk-sent-at-once",
    http2: "also",
    rules: ["TSGI-25"],
    title: "each chunk is sent at once, and the head before the first chunk",
    sends: "A request for three chunks, each of which the client releases.",
    expects: "The head before the first chunk, and each chunk after its release without another one.",
    handler: (probe) => () => ({
      status: 200,
      headers: { "content-type": "text/event-stream" },
      body: (async function* () {
        for (const event of ["one", "two", "three"]) {
          await probe.released(event);
          yield event;
        }
        await probe.released("end");
      })(),
    }),
    run: async (context) => {
      const wire = await context.connect();
      wire.request();
      equal((await wire.head()).status, 200, "the status before the first chunk");
      for (const event of ["one", "two", "three"]) {
        await context.release(event);
        equal(String(await wire.piece()), event, "the chunk");
      }
      await context.release("end");
      equal(await wire.piece(), null, "the last chunk");
    },
  },
  {
    kind: "exchange",
    name: "response-trailers",
    http2: "also",
    rules: ["TSGI-26"],
    title: "trailers is called once, after the body has ended, and its fields are sent after the body",
    sends: "A request for one chunk and two trailer names, one with two values.",
    expects:
      "The `Trailer` field in the head and three lines in the trailer section. `trailers` is called once, after the end of the body.",
    source:
      "RFC 9110 §6.5.1: a sender may generate trailer fields only where it knows that the recipient can process or ignore them.",
    handler: (probe) => () => ({
      status: 200,
      headers: { trailer: "x-sum, x-list" },
      body: (async function* () {
        yield "a";
        await probe.released("end");
        probe.record("end");
      })(),
      trailers: () => {
        probe.record("trailers");
        return { "x-sum": "1", "x-list": ["2", "3"] };
      },
    }),
    run: async (context) => {
      const wire = await context.connect();
      wire.request();
      const head = await wire.head();
      equal(field(head, "trailer"), "x-sum, x-list", "the Trailer field");
      equal(String(await wire.piece()), "a", "the chunk");
      await context.release("end");
      equal(await wire.piece(), null, "the last chunk");
      equal(
        wire.trailers,
        [
          ["x-sum", "1"],
          ["x-list", "2"],
          ["x-list", "3"],
        ],
        "the trailer section",
      );
      await context.settle();
      equal(await context.records(), ["end", "trailers"], "the order of calls");
    },
  },
];

function ofWrongLength(name: string, what: string, given: readonly string[]): ConformanceCase {
  return {
    kind: "exchange",
    name,
    http2: "also",
    rules: ["TSGI-20", "TSGI-39"],
    title: `a body that yields ${what} bytes than its Content-Length destroys the connection`,
    sends: `A request for a body with \`Content-Length: 5\` that yields ${given.join("").length} bytes.`,
    expects:
      "At most five bytes of content, and then the end of the connection; `completed` rejects with `RESPONSE_FAILED`.",
    source:
      "RFC 9112 §6.3: `Content-Length` defines the length of the body, and a message that ends earlier is incomplete.",
    handler: (probe) => (_request, exchange) => {
      recordCompleted(probe, exchange);
      return {
        status: 200,
        headers: { "content-length": "5" },
        body: (async function* () {
          for (const [index, piece] of given.entries()) {
            if (index > 0) await probe.released("continue");
            yield piece;
          }
        })(),
      };
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request();
      equal(field(await wire.head(), "content-length"), "5", "the Content-Length");
      equal(String(await wire.piece()), "123", "the first piece");
      await context.release("continue");
      const bytes = await wire.truncated();
      check("45".startsWith(bytes.toString()), "more bytes than the Content-Length", bytes.toString("latin1"));
      await context.recorded("completed RESPONSE_FAILED");
    },
  };
}
