/** The content of a request: TSGI-7 to TSGI-12 and TSGI-14. */
import type { ConformanceCase, Scene } from "../case.ts";
import { check, equal } from "../expect.ts";
import { codeOf, json, lastSegment, noteCompleted, ok, parse, readAll } from "./support.ts";

/** More than the system's buffers hold on a loopback connection, and less than common limits of content. */
const LARGE_UPLOAD_BYTES = 12 * 1024 * 1024;

/** A client that goes on sending beyond this was not cut off. */
const ENDLESS_BYTES = 256 * 1024 * 1024;

/** How truncated content may end. */
const TRUNCATED: ReadonlySet<string> = new Set(["CLIENT_DISCONNECTED", "REQUEST_BODY_MALFORMED"]);

const EXPECT_CONTINUE = ["Expect", "100-continue"] as const;
const CHUNKED = ["Transfer-Encoding", "chunked"] as const;

export const requestBodyCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "request-body-null",
    rules: ["TSGI-7"],
    title: "the body is null where the message has no content, and only there",
    handler: () => (request) => ({ status: 200, headers: { "x-null": String(request.body === null) } }),
    run: async (stage) => {
      const seen = async (method: string, headers: readonly (readonly [string, string])[], body?: string) => {
        const response = await stage.fetch({ method, headers, ...(body === undefined ? {} : { body }) });
        return new Map(response.fields).get("x-null");
      };
      equal(await seen("GET", []), "true", "whether the body of a bare GET is null");
      equal(await seen("POST", []), "true", "whether the body of a bare POST is null");
      equal(await seen("POST", [], "hello"), "false", "whether the body of a POST with Content-Length is null");
      equal(await seen("GET", [], "hello"), "false", "whether the body of a GET with Content-Length is null");
      equal(
        await seen("POST", [CHUNKED], "1\r\na\r\n0\r\n\r\n"),
        "false",
        "whether the body of a chunked POST is null",
      );
    },
  },
  {
    kind: "exchange",
    name: "request-body-chunked",
    rules: ["TSGI-8"],
    title: "the content comes in order, as byte arrays, without its transfer coding",
    handler: () => async (request) => json(await readAll(request)),
    run: async (stage) => {
      const post = async (headers: readonly (readonly [string, string])[], body: string) =>
        parse(await stage.fetch({ method: "POST", headers, body }));
      equal(await post([], "hello, \r\n world"), "hello, \r\n world", "the content of a POST with Content-Length");
      equal(
        await post([CHUNKED], "5\r\nhello\r\n8;a=b\r\n, \r\n\r\nwo\r\n00A\r\n0123456789\r\n0\r\n\r\n"),
        "hello, \r\n\r\nwo0123456789",
        "the content of a chunked POST",
      );
      equal(await post([CHUNKED], "0\r\n\r\n"), "", "the content of a chunked POST without any");
    },
  },
  {
    kind: "exchange",
    name: "request-body-backpressure",
    rules: ["TSGI-10"],
    title: "what the application does not read stays with the client",
    handler: (scene) => async (request) => {
      scene.note("running");
      await scene.cued("read");
      const hash = { bytes: 0, wrong: 0 };
      for await (const piece of request.body ?? []) {
        for (const byte of piece) if (byte !== hash.bytes++ % 251) hash.wrong++;
      }
      return json(hash);
    },
    run: async (stage) => {
      const wire = await stage.connect();
      const body = Uint8Array.from({ length: LARGE_UPLOAD_BYTES }, (_, index) => index % 251);
      wire.request({ method: "POST", body });
      await stage.noted("running");
      let before: number;
      do {
        before = wire.unsentBytes;
        await stage.settle();
      } while (wire.unsentBytes !== before);
      check(wire.unsentBytes > 0, `the server took ${LARGE_UPLOAD_BYTES} bytes that the application did not read`);
      await stage.cue("read");
      equal(parse(await wire.response()), { bytes: LARGE_UPLOAD_BYTES, wrong: 0 }, "the content");
    },
  },
  {
    kind: "exchange",
    name: "continue-on-first-pull",
    rules: ["TSGI-10"],
    title: "100 Continue is sent at the first pull of the body and not before",
    handler: (scene) => async (request) => {
      const iterator = request.body?.[Symbol.asyncIterator]();
      scene.note("running");
      await scene.cued("pull");
      const first = await iterator?.next();
      return ok(Buffer.from(first?.value ?? []).toString());
    },
    run: async (stage) => {
      const wire = await stage.connect();
      wire.request({ method: "POST", headers: [EXPECT_CONTINUE, ["Content-Length", "5"]] });
      await stage.noted("running");
      await stage.settle();
      equal(wire.receivedBytes, 0, "bytes sent before the first pull");
      await stage.cue("pull");
      equal((await wire.head()).status, 100, "the status at the first pull");
      wire.send("hello");
      const { status, body } = await wire.response();
      equal([status, body.toString()], [200, "hello"], "the final response");
    },
  },
  {
    kind: "exchange",
    name: "continue-not-sent-when-unread",
    rules: ["TSGI-10"],
    title: "an application that refuses by the head alone spares the upload",
    handler: () => () => ({ status: 403, body: "no" }),
    run: async (stage) => {
      const wire = await stage.connect();
      wire.request({ method: "POST", headers: [EXPECT_CONTINUE, ["Content-Length", "1000"]] });
      const { status, informational, body } = await wire.response();
      equal([informational.length, status, body.toString()], [0, 403, "no"], "the response to an unread upload");
    },
  },
  {
    kind: "exchange",
    name: "request-body-truncated",
    rules: ["TSGI-11"],
    title: "content that did not arrive whole ends by a rejection with a code",
    handler: (scene) => async (request) => {
      const cut = lastSegment(request.url);
      scene.note(`${cut}: running`);
      const outcome = await readAll(request);
      scene.note(`${cut}: ${TRUNCATED.has(outcome) ? "rejected" : outcome}`);
      scene.note(`${cut}: over`);
      return ok("");
    },
    run: async (stage) => {
      const cuts = [
        { cut: "reset", headers: [["Content-Length", "10"]], send: "1234" },
        { cut: "fin-in-length", headers: [["Content-Length", "10"]], send: "1234" },
        { cut: "fin-in-chunked", headers: [CHUNKED], send: "4\r\n1234\r\n" },
        { cut: "bad-chunk", headers: [CHUNKED], send: "4\r\n1234\r\nxyz\r\n" },
      ] as const;
      for (const { cut, headers, send } of cuts) {
        const wire = await stage.connect();
        wire.request({ method: "POST", path: `/${cut}`, headers });
        await stage.noted(`${cut}: running`);
        wire.send(send);
        await wire.sent();
        if (cut === "reset") wire.reset();
        else if (cut !== "bad-chunk") wire.end();
        await stage.noted(`${cut}: over`);
      }
      equal(
        await stage.notes(),
        cuts.flatMap(({ cut }) => [`${cut}: running`, `${cut}: rejected`, `${cut}: over`]),
        "what the readers of truncated content saw",
      );
    },
  },
  {
    kind: "exchange",
    name: "unread-body-drained",
    rules: ["TSGI-12"],
    title: "content that was left unread is not taken for the next request",
    handler: (scene) => (request) => {
      scene.note(request.url);
      return ok(request.method);
    },
    run: async (stage) => {
      const trap = `GET ${stage.base}/trap HTTP/1.1\r\nHost: ${stage.authority}\r\n\r\n`;
      const wire = await stage.connect();
      wire.request({ method: "POST", path: "/first", body: trap });
      wire.request({
        method: "PUT",
        path: "/second",
        headers: [CHUNKED],
        body: `${hex(trap)}\r\n${trap}\r\n0\r\n\r\n`,
      });
      wire.request({ path: "/third" });
      for (const method of ["POST", "PUT", "GET"]) {
        equal((await wire.response()).body.toString(), method, "the answer to one request after the other");
      }
      const url = stage.origin + stage.base;
      equal(await stage.notes(), [`${url}/first`, `${url}/second`, `${url}/third`], "the requests seen");
    },
  },
  {
    kind: "exchange",
    name: "unread-body-closes",
    rules: ["TSGI-12"],
    title: "unread content beyond a limit closes the connection",
    deadlineMs: 10_000,
    handler: (scene) => () => {
      scene.note("called");
      return ok("unread");
    },
    run: async (stage) => {
      const wire = await stage.connect();
      wire.request({ method: "POST", headers: [CHUNKED] });
      const { status } = await wire.response();
      equal(status, 200, "the status of the answer");
      const chunk = Buffer.from(`10000\r\n${"x".repeat(0x10000)}\r\n`);
      let sent = 0;
      while (!wire.over && sent < ENDLESS_BYTES) {
        wire.send(chunk);
        sent += chunk.byteLength;
        await wire.sent();
      }
      check(wire.over, `the server read away ${ENDLESS_BYTES} bytes that nobody had asked for`);
      equal(await stage.notes(), ["called"], "the calls of the handler");
    },
  },
  {
    kind: "exchange",
    name: "request-trailers",
    rules: ["TSGI-14"],
    title: "trailers are there when the body has been read to its end",
    requires: "trailers",
    handler: (scene) => async (request, exchange) => {
      noteCompleted(scene, exchange);
      const { trailers } = request;
      if (trailers !== undefined && request.body !== null) void noteTrailers(scene, trailers);
      if (lastSegment(request.url) === "later") {
        scene.note("running");
        await scene.cued("read");
        scene.note("reading");
      }
      const content = await readAll(request);
      return json([content, trailers === undefined ? null : [...(await trailers)]]);
    },
    run: async (stage) => {
      const chunks = "3\r\nabc\r\n0\r\nX-Sum: 1\r\nx-other:  two \r\n\r\n";
      const trailer = ["Trailer", "x-sum, x-other"] as const;
      equal(
        parse(await stage.fetch({ method: "POST", headers: [CHUNKED, trailer], body: chunks })),
        [
          "abc",
          [
            ["x-sum", "1"],
            ["x-other", "two"],
          ],
        ],
        "content and trailers",
      );
      equal(parse(await stage.fetch({ method: "POST", body: "abc" })), ["abc", []], "content without trailers");
      equal(parse(await stage.fetch()), ["null", []], "no content and no trailers");

      const later = await stage.connect();
      later.request({ path: "/later", method: "POST", headers: [CHUNKED, trailer], body: chunks });
      await stage.noted("running");
      await stage.settle();
      await stage.cue("read");
      equal((parse(await later.response()) as readonly unknown[])[0], "abc", "the content that was read later");
      const notes = await stage.notes();
      const order = notes.slice(notes.indexOf("running")).filter((note) => note !== "completed");
      equal(order, ["running", "reading", "trailers"], "trailers of content that is read later");

      const broken = await stage.connect();
      broken.request({ method: "POST", headers: [CHUNKED, trailer], body: "3\r\nabc\r\nbroken\r\n" });
      await broken.response();
      await stage.noted("trailers did not come");
    },
  },
];

async function noteTrailers(scene: Scene, trailers: Promise<unknown>): Promise<void> {
  try {
    await trailers;
    scene.note("trailers");
  } catch (error) {
    scene.note(TRUNCATED.has(codeOf(error)) ? "trailers did not come" : `trailers: ${codeOf(error)}`);
  }
}

function hex(text: string): string {
  return text.length.toString(16);
}
