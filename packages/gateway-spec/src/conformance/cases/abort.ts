/** When `signal` aborts and `completed` settles (TSGI-13, TSGI-30), and how an abandoned body is released (TSGI-40). */
import { Readable } from "node:stream";
import type { ConformanceCase } from "../case.ts";
import { equal } from "../expect.ts";
import {
  codeOf,
  lastSegment,
  ok,
  pieces,
  readAll,
  recordCompleted,
  recordOutcome,
  recordSignal,
  watchedBody,
} from "./support.ts";

const NEVER = new Promise<never>(() => undefined);

export const abortCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "client-end-while-waiting",
    rules: ["TSGI-43"],
    title: "the exchange fails when the client closes its sending side and has to wait",
    sends:
      "Two requests, on two connections. The handler of one never returns, and the body of the other waits after its first chunk. The client then closes its sending side.",
    expects: "For both, the signal aborts and `completed` rejects, with `CLIENT_DISCONNECTED`.",
    source:
      "RFC 9112 §9.6: an end may close only its sending side, so the server has to decide whether such a client still reads.",
    handler: (probe) => async (request, exchange) => {
      const name = lastSegment(request.url);
      request.signal.addEventListener("abort", () => {
        probe.record(`${name}: signal ${codeOf(request.signal.reason)}`);
      });
      void recordOutcome(probe, exchange.completed, `${name}: completed`);
      probe.record(`${name}: running`);
      if (name === "handler") await NEVER;
      return {
        status: 200,
        body: (async function* () {
          yield "first";
          await NEVER;
        })(),
      };
    },
    run: async (context) => {
      for (const name of ["handler", "body"]) {
        const wire = await context.connect();
        wire.request({ path: `/${name}` });
        await context.recorded(`${name}: running`);
        if (name === "body") {
          await wire.head();
          equal(String(await wire.piece()), "first", "the first chunk");
        }
        await context.settle();
        wire.end();
        await context.recorded(`${name}: signal CLIENT_DISCONNECTED`);
        await context.recorded(`${name}: completed CLIENT_DISCONNECTED`);
      }
    },
  },
  {
    kind: "exchange",
    name: "signal-on-disconnect",
    http2: "also",
    rules: ["TSGI-13"],
    title: "the signal aborts with an error code as soon as the client has disconnected",
    sends: "A request whose handler waits. The client then resets the connection, or the stream of HTTP/2.",
    expects:
      "The signal stays unaborted while the client waits, aborts with `CLIENT_DISCONNECTED` after the reset, and is still aborted later.",
    handler: (probe) => async (request) => {
      recordSignal(probe, request);
      probe.record("running");
      await probe.released("finish");
      probe.record(request.signal.aborted ? "still aborted" : "not aborted");
      return ok("");
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request();
      await context.recorded("running");
      await context.settle();
      equal(await context.records(), ["running"], "what the handler recorded while the client waits");
      wire.reset();
      await context.recorded("signal CLIENT_DISCONNECTED");
      await context.release("finish");
      await context.recorded("still aborted");
    },
  },
  {
    kind: "exchange",
    name: "signal-not-on-success",
    http2: "also",
    rules: ["TSGI-13"],
    title: "the signal does not abort on success, nor because the request body has ended",
    sends:
      "A POST with content that is the last request of its connection. The handler reads the content and returns two chunks.",
    expects:
      "The body arrives in full, `completed` fulfils, and the signal does not abort, also after the connection has closed.",
    handler: (probe) => async (request, exchange) => {
      recordSignal(probe, request);
      recordCompleted(probe, exchange);
      await readAll(request);
      probe.record("read");
      await probe.released("respond");
      return { status: 200, body: pieces("a", "b") };
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ method: "POST", body: "content", last: true });
      await context.recorded("read");
      await context.settle();
      await context.release("respond");
      equal((await wire.response()).body.toString(), "ab", "the body of the response");
      await context.recorded("completed");
      await wire.closed();
      wire.close();
      await context.settle();
      equal(await context.records(), ["read", "completed"], "what the handler recorded");
    },
  },
  {
    kind: "exchange",
    name: "completed-fulfils",
    http2: "also",
    rules: ["TSGI-30", "TSGI-38"],
    title: "completed fulfils when a response has been sent in full, and not earlier",
    sends:
      "A request for a body in chunks whose end the client controls, then a request for a whole body, and one whose handler throws.",
    expects:
      "`completed` is pending until the last chunk was sent, and fulfils once for each response, that of the 500 too. Only for the 500 the signal has aborted before, with `RESPONSE_FAILED`.",
    handler: (probe) => (request, exchange) => {
      recordCompleted(probe, exchange);
      recordSignal(probe, request);
      if (request.url.endsWith("/throws")) throw new Error("on purpose");
      if (!request.url.endsWith("/pieces")) return ok("whole");
      return {
        status: 200,
        body: watchedBody(probe, async (index) => {
          if (index === 0) return { value: "first" };
          await probe.released("end");
          return { done: true, value: undefined };
        }),
      };
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ path: "/pieces" });
      equal((await wire.head()).status, 200, "the status");
      equal(String(await wire.piece()), "first", "the first chunk");
      await context.settle();
      equal(await context.records(), ["next", "next"], "the calls before the response was complete");
      await context.release("end");
      equal(await wire.piece(), null, "the last chunk");
      await context.recorded("completed");
      await context.fetch({ path: "/whole" });
      await context.settle();
      equal(await context.records(), ["next", "next", "completed", "completed"], "the calls of both responses");
      equal((await context.fetch({ path: "/throws" })).status, 500, "the status of a handler that throws");
      await context.settle();
      equal(
        (await context.records()).slice(4),
        ["signal RESPONSE_FAILED", "completed"],
        "what a handler that throws recorded",
      );
    },
  },
  {
    kind: "exchange",
    name: "completed-rejects",
    http2: "also",
    rules: ["TSGI-30"],
    title: "completed rejects if no response was sent in full, and the signal aborts too",
    sends: "A request whose client resets the connection, or the stream of HTTP/2, while the handler waits.",
    expects: "The signal aborts first and `completed` rejects after it, with `CLIENT_DISCONNECTED`.",
    handler: (probe) => async (request, exchange) => {
      recordSignal(probe, request);
      recordCompleted(probe, exchange);
      probe.record("running");
      await NEVER;
      return ok("");
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request();
      await context.recorded("running");
      // By then the server has sent its TLS 1.3 session tickets. If a reset arrives while it sends them, node reports an end only.
      await context.settle();
      wire.reset();
      await context.recorded("completed CLIENT_DISCONNECTED");
      await context.settle();
      equal(
        await context.records(),
        ["running", "signal CLIENT_DISCONNECTED", "completed CLIENT_DISCONNECTED"],
        "what a handler recorded whose client disconnected",
      );
    },
  },
  {
    kind: "exchange",
    name: "disconnect-releases-body",
    http2: "also",
    rules: ["TSGI-40"],
    title: "when the client disconnects, the signal aborts and then the body is released, once",
    sends:
      "A request for an async iterable and one for a stream. The client resets the connection after the first chunk of each.",
    expects:
      "The signal aborts with `CLIENT_DISCONNECTED`; then the server calls `return()` of the iterable or `cancel()` of the stream, once.",
    handler: (probe) => (request) => {
      recordSignal(probe, request);
      const next = async (index: number) => {
        if (index > 0) await probe.released("more");
        return { value: "piece", done: false } as const;
      };
      if (request.url.endsWith("/iterable")) return { status: 200, body: watchedBody(probe, next) };
      let index = 0;
      const reader = {
        read: () => next(index++),
        cancel: () => {
          probe.record("cancel");
          return Promise.resolve();
        },
        releaseLock: () => undefined,
      };
      return { status: 200, body: { getReader: () => reader } };
    },
    run: async (context) => {
      const one = await context.connect();
      one.request({ path: "/iterable" });
      await one.head();
      equal(String(await one.piece()), "piece", "the first chunk");
      one.reset();
      await context.recorded("return");
      await context.settle();
      equal(
        (await context.records()).filter((record) => record !== "next"),
        ["signal CLIENT_DISCONNECTED", "return"],
        "the calls of the iterable",
      );
      const other = await context.connect();
      other.request({ path: "/stream" });
      await other.head();
      equal(String(await other.piece()), "piece", "the first chunk");
      other.reset();
      await context.recorded("cancel");
      await context.release("more");
      await context.settle();
      equal(
        (await context.records()).filter((record) => record !== "next").slice(2),
        ["signal CLIENT_DISCONNECTED", "cancel"],
        "the calls of the stream",
      );
    },
  },
  {
    kind: "exchange",
    name: "node-stream-released",
    http2: "also",
    rules: ["TSGI-40"],
    title: "a Node stream as a body is destroyed in every ending, and its late error ends nothing",
    sends:
      "Requests whose handler returns a Node `Readable`: with HEAD, with status 304, with an invalid header name, and with a client that resets the connection before or after the head.",
    expects: "The server destroys the stream in every case. The error that the stream emits after that has no effect.",
    handler: (probe) => async (request) => {
      const name = lastSegment(request.url);
      const body = new Readable({
        read: () => undefined,
        destroy: (error, done) => {
          probe.record(`${name}: destroyed`);
          done(error);
          setImmediate(() => body.emit("error", new Error("on purpose")));
        },
      });
      if (name === "gone") {
        probe.record("gone: running");
        await probe.released("gone");
      }
      if (name === "refused") return { status: 200, headers: { "not a name": "x" }, body };
      return { status: name === "304" ? 304 : 200, body };
    },
    run: async (context) => {
      equal((await context.fetch({ method: "HEAD", path: "/head" })).status, 200, "the status for HEAD");
      await context.recorded("head: destroyed");
      equal((await context.fetch({ path: "/304" })).status, 304, "the status without content");
      await context.recorded("304: destroyed");
      equal((await context.fetch({ path: "/refused" })).status, 500, "the status for a response that breaks a rule");
      await context.recorded("refused: destroyed");
      const gone = await context.connect();
      gone.request({ path: "/gone" });
      await context.recorded("gone: running");
      await context.settle();
      gone.reset();
      await context.settle();
      await context.release("gone");
      await context.recorded("gone: destroyed");
      const waiting = await context.connect();
      waiting.request({ path: "/waiting" });
      equal((await waiting.head()).status, 200, "the status of a stream that has nothing yet");
      await context.settle();
      waiting.reset();
      await context.recorded("waiting: destroyed");
      await context.settle();
    },
  },
  {
    kind: "exchange",
    name: "stuck-body-released",
    http2: "also",
    rules: ["TSGI-40"],
    title: "the server does not wait for return() of a body whose next() is pending",
    sends:
      "A request for a body whose second `next()` never settles and whose `return()` waits for it. The client resets the connection after the first chunk.",
    expects: "The signal aborts, the server calls `return()` once, and `completed` rejects without waiting for it.",
    handler: (probe) => (request, exchange) => {
      recordSignal(probe, request);
      recordCompleted(probe, exchange);
      const body = (async function* () {
        yield "piece";
        await NEVER;
      })();
      return {
        status: 200,
        body: {
          [Symbol.asyncIterator]: () => ({
            next: () => body.next(),
            return: () => {
              probe.record("return");
              // It queues behind the pending next().
              return body.return(undefined);
            },
          }),
        },
      };
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request();
      await wire.head();
      equal(String(await wire.piece()), "piece", "the first chunk");
      wire.reset();
      await context.recorded("return");
      await context.recorded("completed CLIENT_DISCONNECTED");
      const records = await context.records();
      equal(records.indexOf("signal CLIENT_DISCONNECTED") < records.indexOf("return"), true, "signal before return()");
      equal(records.filter((record) => record === "return").length, 1, "calls of return()");
    },
  },
];
