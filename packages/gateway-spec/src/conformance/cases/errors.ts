/** Errors of handlers and clients, and that they stay in their exchange: TSGI-38, TSGI-39, TSGI-41 and TSGI-42. */
import type { OutgoingResponse } from "../../index.ts";
import type { ConformanceCase } from "../case.ts";
import { afterSending, check, equal } from "../expect.ts";
import { field } from "../wire.ts";
import { lastSegment, recordCompleted, recordSignal, ok, readAll } from "./support.ts";

const SECRET = "conformance-secret";

/** Ways for a handler to fail before the head is sent. */
const FAILURES: Readonly<Record<string, () => OutgoingResponse | Promise<OutgoingResponse>>> = {
  throws: () => {
    throw new Error(SECRET);
  },
  rejects: () => Promise.reject(new Error(SECRET)),
  "throws-a-string": () => {
    // oxlint-disable-next-line typescript/only-throw-error -- JavaScript permits it, so a server must handle it
    throw SECRET;
  },
  // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- the same
  "rejects-with-undefined": () => Promise.reject(undefined),
  "throws-an-http-error": () => {
    throw Object.assign(new Error(SECRET), {
      status: 404,
      statusCode: 404,
      headers: { "x-secret": SECRET },
      expose: true,
    });
  },
  "returns-undefined": () => undefined as unknown as OutgoingResponse,
  "returns-null": () => null as unknown as OutgoingResponse,
  "returns-a-string": () => SECRET as unknown as OutgoingResponse,
  "promises-nothing": () => Promise.resolve(undefined as unknown as OutgoingResponse),
  "body-throws-at-once": () => ({
    status: 200,
    headers: { "x-secret": SECRET },
    body: {
      [Symbol.asyncIterator]: () => {
        throw new Error(SECRET);
      },
    },
  }),
  "getter-throws": () => ({
    get status(): number {
      throw new Error(SECRET);
    },
  }),
};

const GET = (target: string, ...lines: readonly string[]) => `GET ${target} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`;

/** Requests that every server must reject. `HOST` and `BASE` are replaced by those of the run. */
const MALFORMED: Readonly<Record<string, string>> = {
  "no request line": "what is this\r\n\r\n",
  "no version": "GET BASE\r\nHost: HOST\r\n\r\n",
  "an unknown version": "GET BASE HTTP/7.3\r\nHost: HOST\r\n\r\n",
  "a field without a colon": GET("BASE", "Host: HOST", "no colon"),
  "a space in a field name": GET("BASE", "Host: HOST", "x y: 1"),
  "white space before the colon": GET("BASE", "Host: HOST", "x : 1"),
  "no field name": GET("BASE", "Host: HOST", ": 1"),
  "a NUL in a value": GET("BASE", "Host: HOST", "x: a\0b"),
  "no Host": GET("BASE", "x: 1"),
  "a signed Content-Length": GET("BASE", "Host: HOST", "Content-Length: +5"),
  "a Content-Length that is not a number": GET("BASE", "Host: HOST", "Content-Length: five"),
  "two lengths": GET("BASE", "Host: HOST", "Content-Length: 5", "Content-Length: 6"),
  "both framings": GET("BASE", "Host: HOST", "Content-Length: 5", "Transfer-Encoding: chunked"),
  "a coding after chunked": GET("BASE", "Host: HOST", "Transfer-Encoding: chunked, gzip"),
};

export const errorCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "handler-error-is-500",
    http2: "also",
    rules: ["TSGI-38"],
    title: "a handler that fails before the head is sent leads to a 500",
    sends:
      "One request for each way to fail before the head: a handler that throws, rejects, returns something that is not a response, or returns a response whose body or getter throws.",
    expects: "Status 500 for each.",
    source:
      "RFC 9110 §15.6.1: 500 means that an unexpected condition prevented the server from fulfilling the request.",
    handler: () => (request) => fail(lastSegment(request.url)),
    run: async (context) => {
      for (const failure of Object.keys(FAILURES)) {
        equal((await context.fetch({ path: `/${failure}` })).status, 500, `the status if the handler ${failure}`);
      }
    },
  },
  {
    kind: "exchange",
    name: "handler-error-not-disclosed",
    http2: "also",
    rules: ["TSGI-38"],
    title: "the response does not disclose what was thrown",
    sends: "The requests of `handler-error-is-500`. The errors contain a marker.",
    expects: "Responses without the marker, the fields of the failed response, or a stack trace.",
    handler: () => (request) => fail(lastSegment(request.url)),
    run: async (context) => {
      for (const failure of Object.keys(FAILURES)) {
        const { reason, fields, body } = await context.fetch({ path: `/${failure}` });
        const sent = `${reason}\n${fields.join("\n")}\n${body.toString()}`;
        check(!sent.includes(SECRET), `the response discloses what was thrown if the handler ${failure}`);
        check(!/\bat .*:\d+:\d+/.test(sent), `the response has a stack trace if the handler ${failure}`);
      }
    },
  },
  {
    kind: "exchange",
    name: "late-error-truncates",
    http2: "also",
    rules: ["TSGI-39"],
    title: "an error after the head destroys the connection, so that a truncated body does not look complete",
    sends:
      "Requests whose body fails after its first chunk: without a length, with `Content-Length`, with trailers that fail, and to HTTP/1.0.",
    expects:
      "The first chunk, and then the end of the connection without a last chunk or further bytes; a reset where only the end of the connection delimits the body, and of the stream in HTTP/2. The signal aborts and `completed` rejects with `RESPONSE_FAILED`. A server that drops trailers does not announce them (RFC 9110 §6.6.2): it sends that response in full, does not call the function, and `completed` fulfils.",
    source:
      "RFC 9112 §8: a chunked body is incomplete without its last chunk, and a body with `Content-Length` is incomplete if fewer bytes arrive.",
    handler: (probe) => (request, exchange) => {
      recordSignal(probe, request);
      recordCompleted(probe, exchange);
      const how = lastSegment(request.url);
      return {
        status: 200,
        headers: how === "length" ? { "content-length": "100" } : how === "trailers" ? { trailer: "x-sum" } : {},
        body: (async function* () {
          yield "partial";
          await probe.released(how);
          if (how !== "trailers") throw new Error(SECRET);
        })(),
        ...(how === "trailers" ? { trailers: () => Promise.reject(new Error(SECRET)) } : {}),
      };
    },
    run: async (context) => {
      const variants = ["chunked", "length", "trailers", ...(context.protocol === "h2" ? [] : ["http10"])];
      const outcomes: string[] = [];
      for (const how of variants) {
        const wire = await context.connect();
        wire.request({ path: `/${how}`, version: how === "http10" ? "1.0" : "1.1" });
        const head = await wire.head();
        equal(String(await wire.piece()), "partial", "the first piece");
        await context.release(how);
        if (how === "trailers" && field(head, "trailer") === null) {
          equal(await wire.piece(), null, "the end of a body whose trailers the server does not announce");
          outcomes.push("completed");
          continue;
        }
        outcomes.push("signal RESPONSE_FAILED", "completed RESPONSE_FAILED");
        equal((await wire.truncated()).toString("latin1"), "", `the bytes after the error in a body framed by ${how}`);
      }
      await context.settle();
      equal(await context.records(), outcomes, "what the handlers recorded");
    },
  },
  {
    kind: "exchange",
    name: "malformed-request",
    rules: ["TSGI-41"],
    title: "a malformed request is rejected with its 4xx, the connection closes, and no handler is called",
    sends:
      "One connection for each malformed head, such as a field without a colon, no `Host`, or both `Content-Length` and `Transfer-Encoding`. A valid request follows each in the same bytes.",
    expects:
      "A 4xx (505 is permitted for an unknown version), the end of the connection, and no call of a handler, not for the request that follows either.",
    source:
      "RFC 9112 §2.2: a server that receives something other than an HTTP message should respond with 400 and close the connection.",
    handler: (probe) => (request) => {
      probe.record(`called for ${lastSegment(request.url).replaceAll("-", " ")}`);
      return ok("");
    },
    run: async (context) => {
      const next = `GET ${context.base}/next HTTP/1.1\r\nHost: ${context.authority}\r\n\r\n`;
      for (const [what, template] of Object.entries(MALFORMED)) {
        const path = `${context.base}/${what.replaceAll(" ", "-")}`;
        const bytes = template.replace("BASE", path).replace("HOST", context.authority) + next;
        await afterSending(bytes, async () => {
          const wire = await context.connect();
          wire.send(bytes);
          const { status } = await wire.response();
          const refused = (status >= 400 && status < 500) || (status === 505 && what === "an unknown version");
          check(refused, `expected a 4xx for ${what}`, status);
          equal((await wire.closed()).toString("latin1"), "", `the bytes after the response to ${what}`);
          equal(await context.records(), [], `the calls of the handler after ${what}`);
        });
      }
    },
  },
  {
    kind: "exchange",
    name: "next-client-served",
    rules: ["TSGI-41"],
    title: "what one client sends or one handler throws does not affect another exchange",
    sends:
      "A request whose handler waits. Meanwhile other clients send malformed heads and chunks, cause an error in a handler, and reset connections.",
    expects: "The next client gets its response, and so does the exchange in progress, whose signal does not abort.",
    handler: (probe) => async (request) => {
      const how = lastSegment(request.url);
      if (how === "witness") {
        recordSignal(probe, request);
        probe.record("witness");
        await probe.released("respond");
        return ok("witness");
      }
      if (how === "throws") throw new Error(SECRET);
      return ok(await readAll(request));
    },
    run: async (context) => {
      const witness = await context.connect();
      witness.request({ path: "/witness" });
      await context.recorded("witness");
      for (const trouble of [
        "\0\0\0\0\r\n\r\n",
        `GET ${context.base}/throws HTTP/1.1\r\nHost: ${context.authority}\r\n\r\n`,
        `POST ${context.base} HTTP/1.1\r\nHost: ${context.authority}\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n`,
      ]) {
        const wire = await context.connect();
        wire.send(trouble);
        await wire.head();
        wire.reset();
      }
      const other = await context.connect();
      other.send("GET / HT");
      other.reset();
      equal(
        (await context.fetch({ method: "POST", body: "next" })).body.toString(),
        "next",
        "the response to the next client",
      );
      await context.release("respond");
      equal((await witness.response()).body.toString(), "witness", "the response of the exchange in progress");
      equal(await context.records(), ["witness"], "what the exchange in progress recorded");
    },
  },
  {
    kind: "exchange",
    name: "stalled-upload",
    http2: "also",
    rules: ["TSGI-42", "TSGI-11"],
    title: "a client that stops in the middle of its content does not block a handler indefinitely",
    sends: "A POST with `Content-Length: 10` and four bytes of content, and then nothing.",
    expects:
      "Reading the body rejects with `REQUEST_BODY_TIMEOUT` within the deadline of the case, which is 90 seconds for each wait.",
    source:
      "RFC 9110 §15.5.9: 408 means that the server did not receive a complete request in the time that it was prepared to wait.",
    // Longer than the default body timeout of common servers, which is up to a minute.
    deadlineMs: 90_000,
    handler: (probe) => async (request) => {
      probe.record(await readAll(request));
      return ok("");
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ method: "POST", headers: [["Content-Length", "10"]], more: true });
      wire.write("1234");
      await context.recorded("REQUEST_BODY_TIMEOUT");
    },
  },
  {
    kind: "exchange",
    name: "slow-handler",
    http2: "also",
    rules: ["TSGI-42"],
    title: "a handler may run longer than the timeout for an inactive client",
    sends:
      "A POST whose handler waits after reading the content, and another whose content stops. The timeout of the second is the clock of the case.",
    expects: "The first handler responds after that timeout, and its signal has not aborted.",
    deadlineMs: 90_000,
    handler: (probe) => async (request) => {
      if (request.url.endsWith("/stalled")) {
        probe.record((await readAll(request)) === "REQUEST_BODY_TIMEOUT" ? "timed out" : "content");
        return ok("");
      }
      const content = await readAll(request);
      probe.record("slow");
      await probe.released("respond");
      return ok(request.signal.aborted ? "aborted" : content);
    },
    run: async (context) => {
      const slow = await context.connect();
      slow.request({ method: "POST", body: "content" });
      await context.recorded("slow");
      // The stalled upload is the clock: when it times out, the other client has been inactive for longer.
      const stalled = await context.connect();
      stalled.request({ method: "POST", path: "/stalled", headers: [["Content-Length", "10"]], more: true });
      stalled.write("1234");
      await context.recorded("timed out");
      await context.release("respond");
      equal((await slow.response()).body.toString(), "content", "the response of the slow handler");
    },
  },
];

function fail(how: string): OutgoingResponse | Promise<OutgoingResponse> {
  const failure = FAILURES[how];
  return failure === undefined ? ok("") : failure();
}
