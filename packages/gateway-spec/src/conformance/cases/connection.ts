/** Several requests on one connection, and clients of HTTP/1.0: TSGI-43. */
import type { ConformanceCase } from "../case.ts";
import { equal } from "../expect.ts";
import { field } from "../wire.ts";
import { lastSegment, ok, pieces } from "./support.ts";

export const connectionCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "pipelining-order",
    rules: ["TSGI-43"],
    title: "the responses of a connection are sent in the order of their requests",
    sends:
      "Five requests on one connection, without waiting for a response. The handler of the first waits; one of the others has content that looks like a request.",
    expects: "No byte before the first response; then the five responses in the order of their requests.",
    source:
      "RFC 9112 §9.3.2: a server may process pipelined requests in parallel, but must send their responses in the order in which it received the requests.",
    handler: (probe) => async (request) => {
      const name = lastSegment(request.url);
      if (name === "slow") {
        probe.record("slow");
        await probe.released("respond");
      }
      return name === "pieces" ? { status: 200, body: pieces("pie", "ces") } : ok(name);
    },
    run: async (context) => {
      const wire = await context.connect();
      const names = ["slow", "fast", "pieces", "content", "last"];
      for (const name of names) {
        wire.request({ path: `/${name}`, ...(name === "content" ? { method: "POST", body: "GET / HTTP/1.1" } : {}) });
      }
      await context.recorded("slow");
      await context.settle();
      equal(wire.hasReceived, false, "whether the server sent anything before the first response");
      await context.release("respond");
      for (const name of names) equal((await wire.response()).body.toString(), name, "the next response");
    },
  },
  {
    kind: "exchange",
    name: "http10-not-chunked",
    rules: ["TSGI-43"],
    title: "a response to an HTTP/1.0 request does not use the chunked coding",
    sends: "A request of HTTP/1.0. The handler returns two chunks and trailers.",
    expects:
      "A response without `Transfer-Encoding` that has the content of both chunks. Its version may be HTTP/1.0, because that of a response is only recommended (RFC 9110 §6.2); for a request of HTTP/1.1 every case expects HTTP/1.1 (RFC 9112 §2.3).",
    source:
      "RFC 9112 §6.1: a server must not send `Transfer-Encoding` unless the request indicates HTTP/1.1 or a later minor version.",
    handler: () => () => ({ status: 200, headers: { trailer: "x-sum" }, body: pieces("a", "b"), trailers: () => ({}) }),
    run: async (context) => {
      const wire = await context.connect();
      wire.request({ version: "1.0" });
      const response = await wire.response();
      equal(field(response, "transfer-encoding"), null, "the Transfer-Encoding");
      equal(response.body.toString(), "ab", "the body");
    },
  },
];
