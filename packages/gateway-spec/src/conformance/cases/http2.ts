/** What only HTTP/2 has: streams that share a connection, and heads that are malformed there: TSGI-41 and TSGI-43. */
import type { CaseContext, ConformanceCase } from "../case.ts";
import { check, equal } from "../expect.ts";
import type { RequestParts, Wire } from "../wire.ts";
import { codeOf, lastSegment, ok, recordSignal } from "./support.ts";

/** Requests that node's client sends, and that RFC 9113 calls malformed (§8.1.1, §8.3.1). */
const MALFORMED: Readonly<Record<string, (context: CaseContext<Wire>) => RequestParts>> = {
  "a path that does not begin with a slash": ({ base }) => ({ target: `x${base}` }),
  "user information in the authority": ({ authority }) => ({ headers: [[":authority", `user@${authority}`]] }),
  "a Content-Length and no content": () => ({ method: "POST", headers: [["content-length", "5"]] }),
};

export const http2Cases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "streams-out-of-order",
    http2: "only",
    rules: ["TSGI-43"],
    title: "the response of a stream does not wait for that of an earlier stream",
    sends: "Two requests on one connection. The handler of the first waits.",
    expects: "The response to the second while the first waits, and then the response to the first.",
    source: "RFC 9113 §5: frames of several streams may be interleaved, and the order of the streams has no meaning.",
    handler: (probe) => async (request) => {
      const name = lastSegment(request.url);
      if (name === "slow") await probe.released("respond");
      return ok(name);
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ path: "/slow" }, { path: "/fast" });
      wire.postpone();
      equal((await wire.response()).body.toString(), "fast", "the first response on the connection");
      await context.release("respond");
      equal((await wire.response()).body.toString(), "slow", "the response of the stream that was opened first");
    },
  },
  {
    kind: "exchange",
    name: "streams-independent",
    http2: "only",
    rules: ["TSGI-41", "TSGI-39"],
    title: "an error or a cancellation of one stream does not affect another stream of its connection",
    sends:
      "A request whose handler waits. Meanwhile, on the same connection, a handler throws, a body fails after its first chunk, and the client cancels a request.",
    expects:
      "A 500, a reset of the stream, and an abort of the signal. The first request gets its response, and its signal does not abort.",
    source: "RFC 9113 §5.4.2: a stream error is related to one stream and does not affect the processing of others.",
    handler: (probe) => async (request) => {
      const name = lastSegment(request.url);
      if (name === "witness") {
        recordSignal(probe, request);
        probe.record("witness");
        await probe.released("respond");
        return ok("witness");
      }
      if (name === "throws") throw new Error("on purpose");
      if (name === "canceled") {
        request.signal.addEventListener("abort", () => {
          probe.record(`canceled ${codeOf(request.signal.reason)}`);
        });
        probe.record("running");
        await probe.released("never");
      }
      return {
        status: 200,
        body: (async function* () {
          yield "partial";
          await probe.released("fail");
          throw new Error("on purpose");
        })(),
      };
    },
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ path: "/witness" });
      await context.recorded("witness");
      wire.postpone();
      wire.request({ path: "/throws" });
      wire.postpone();
      equal((await wire.response()).status, 500, "the status of the handler that throws");
      wire.request({ path: "/fails" });
      wire.postpone();
      await wire.head();
      equal(String(await wire.piece()), "partial", "the first chunk of the body that fails");
      await context.release("fail");
      equal((await wire.truncated()).toString("latin1"), "", "the bytes after the error");
      wire.request({ path: "/canceled" });
      await context.recorded("running");
      wire.reset();
      await context.recorded("canceled CLIENT_DISCONNECTED");
      await context.settle();
      equal(
        await context.records(),
        ["witness", "running", "canceled CLIENT_DISCONNECTED"],
        "what the handlers recorded",
      );
      await context.release("respond");
      equal((await wire.response()).body.toString(), "witness", "the response of the first stream");
    },
  },
  {
    kind: "exchange",
    name: "malformed-stream",
    http2: "only",
    rules: ["TSGI-41"],
    title: "a malformed request of HTTP/2 is rejected, and no handler is called",
    sends:
      "One connection for each malformed request, such as one whose `:path` does not begin with a slash, or with a `Content-Length` and no content.",
    expects: "A 4xx, or a reset of the stream, and no call of a handler.",
    source: "RFC 9113 §8.1.1: a server treats a malformed request as a stream error of the type PROTOCOL_ERROR.",
    handler: (probe) => (request) => {
      probe.record(`called for ${request.url}`);
      return ok("");
    },
    run: async (context) => {
      for (const [what, partsOf] of Object.entries(MALFORMED)) {
        const wire = await context.connect();
        wire.request(partsOf(context));
        const status = await wire.statusOrReset();
        check(status === null || (status >= 400 && status < 500), `expected a 4xx or a reset for ${what}`, status);
        await context.settle();
        equal(await context.records(), [], `the calls of the handler for ${what}`);
      }
    },
  },
];
