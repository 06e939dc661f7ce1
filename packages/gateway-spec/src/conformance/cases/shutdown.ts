/** Shutdown: TSGI-50 to TSGI-53. */
import type { ConformanceCase } from "../case.ts";
import { check, ConformanceError, equal } from "../expect.ts";
import { field } from "../wire.ts";
import { codeOf, lastSegment, recordCompleted, recordSignal, ok } from "./support.ts";

/** Longer than any deadline of a case, so that it never takes effect. */
const UNLIMITED_MS = 60_000;

/** In these turns of the event loop a server may accept what the system had completed before `close()`. */
const TURNS_OF_ACCEPTING = 10;

export const shutdownCases: readonly ConformanceCase[] = [
  {
    kind: "server",
    name: "drain-signal",
    rules: ["TSGI-51"],
    title: "draining is one signal for all exchanges and aborts with SERVER_CLOSED",
    sends: "Two requests on two connections, then `close()`.",
    expects:
      "Both exchanges have the same `draining` signal. It aborts at `close()` with `SERVER_CLOSED`, and not earlier.",
    run: async ({ serve, probe, connect, within }) => {
      const seen = new Set<AbortSignal>();
      const server = await serve((_request, { draining }) => {
        seen.add(draining);
        probe.record(draining.aborted ? "aborted too early" : "running");
        return ok("");
      });
      for (let client = 0; client < 2; client++) {
        const wire = await connect(server);
        wire.request({ target: "/" });
        await wire.response();
        wire.close();
      }
      equal(seen.size, 1, "signals in two exchanges");
      const [draining] = seen;
      await within(server.close(), "close()");
      equal([draining?.aborted, codeOf(draining?.reason)], [true, "SERVER_CLOSED"], "draining after close()");
      equal(await probe.records(), ["running", "running"], "draining before close()");
    },
  },
  {
    kind: "server",
    name: "drain-refuses-connections",
    http2: "also",
    rules: ["TSGI-52"],
    title: "a server that shuts down accepts no connections, and responds to the requests in progress",
    sends: "A request whose handler waits. Ten turns of the event loop after `close()`, another client connects.",
    expects: "The new connection is refused or gets no byte; the request in progress gets its response.",
    run: async ({ serve, probe, connect, within }) => {
      const server = await serve(
        async (_request, { draining }) => {
          draining.addEventListener("abort", () => {
            probe.record("draining");
          });
          probe.record("running");
          await probe.released("respond");
          return ok("response");
        },
        { shutdownTimeoutMs: UNLIMITED_MS },
      );
      const wire = await connect(server);
      wire.request({ target: "/" });
      await probe.recorded("running");
      const closed = server.close();
      await probe.recorded("draining");
      for (let turn = 0; turn < TURNS_OF_ACCEPTING; turn++) await new Promise((resolve) => setImmediate(resolve));
      const late = await connect(server).catch((error: unknown) => error);
      if (!(late instanceof ConformanceError)) {
        // The system may have accepted the connection, but the server must not serve it.
        const other = late as Awaited<ReturnType<typeof connect>>;
        other.request({ target: "/" });
        equal((await other.closed()).byteLength, 0, "the bytes on a connection that was opened after close()");
      }
      await probe.release("respond");
      equal((await wire.response()).body.toString(), "response", "the response of the exchange in progress");
      wire.close();
      await within(closed, "close()");
    },
  },
  {
    kind: "server",
    name: "drain-finishes-running",
    http2: "also",
    rules: ["TSGI-52"],
    title: "requests in progress get a response with Connection: close, and their connection closes",
    sends: "A request whose handler waits while the kit calls `close()`.",
    expects:
      "The response, with `Connection: close` in HTTP/1.1, the end of the connection, and a signal that does not abort.",
    source: "RFC 9112 §9.6: a server that sends the `close` option closes the connection after that response.",
    run: async ({ protocol, serve, probe, connect, within }) => {
      const server = await serve(
        async (request, exchange) => {
          recordSignal(probe, request);
          exchange.draining.addEventListener("abort", () => {
            probe.record("draining");
          });
          probe.record("running");
          await probe.released("respond");
          return ok("response");
        },
        { shutdownTimeoutMs: UNLIMITED_MS },
      );
      const wire = await connect(server);
      wire.request({ target: "/" });
      await probe.recorded("running");
      const closed = server.close();
      await probe.recorded("draining");
      await probe.release("respond");
      const response = await wire.response();
      equal([response.status, response.body.toString()], [200, "response"], "the response");
      // RFC 9113 §8.2.2: HTTP/2 has no Connection field, and says the same with GOAWAY (§6.8).
      const option = field(response, "connection")?.toLowerCase() ?? null;
      equal(option, protocol === "h2" ? null : "close", "the Connection field");
      equal((await wire.closed()).byteLength, 0, "the bytes after the last response");
      wire.close();
      await within(closed, "close()");
      equal(await probe.records(), ["running", "draining"], "what the handler recorded");
    },
  },
  {
    kind: "server",
    name: "drain-closes-idle",
    http2: "also",
    rules: ["TSGI-52"],
    title: "idle connections are closed",
    sends: "A connection without a request and one with a finished request, then `close()`.",
    expects: "Both connections close without a byte, and `close()` fulfils.",
    source: "RFC 9112 §9.5: a server may close an idle connection at any time.",
    // A server may give the first request of a connection some seconds, because it may be on its way.
    deadlineMs: 15_000,
    run: async ({ serve, connect, within }) => {
      const server = await serve(() => ok(""), { shutdownTimeoutMs: UNLIMITED_MS });
      const fresh = await connect(server);
      const used = await connect(server);
      used.request({ target: "/" });
      const response = await used.response();
      check(field(response, "connection")?.toLowerCase() !== "close", "the connection is not kept alive");
      const closed = server.close();
      for (const wire of [used, fresh]) {
        equal((await wire.closed()).byteLength, 0, "bytes on an idle connection");
        wire.close();
      }
      await within(closed, "close()");
    },
  },
  {
    kind: "server",
    name: "shutdown-deadline",
    http2: "also",
    rules: ["TSGI-52"],
    title: "exchanges that run at the deadline are terminated with SERVER_CLOSED, and shutdown is called",
    sends: "A request whose handler never returns, with `shutdownTimeoutMs: 50`, then `close()`.",
    expects:
      "The connection closes without a response. The signal aborts and `completed` rejects with `SERVER_CLOSED`; then `shutdown` is called.",
    run: async ({ serve, probe, connect, within }) => {
      const server = await serve(
        {
          fetch: async (request, exchange) => {
            recordSignal(probe, request);
            recordCompleted(probe, exchange);
            exchange.waitUntil(new Promise(() => undefined));
            probe.record("running");
            await probe.released("never");
            return ok("");
          },
          shutdown: () => {
            probe.record("shutdown");
          },
        },
        { shutdownTimeoutMs: 50 },
      );
      const wire = await connect(server);
      wire.request({ target: "/" });
      await probe.recorded("running");
      await within(server.close(), "close() after its deadline");
      equal((await wire.closed()).byteLength, 0, "the bytes on a terminated connection");
      equal(
        await probe.records(),
        ["running", "signal SERVER_CLOSED", "completed SERVER_CLOSED", "shutdown"],
        "what was recorded at the deadline",
      );
    },
  },
  {
    kind: "server",
    name: "close-twice",
    rules: ["TSGI-53"],
    title: "every call of close() settles with the outcome of the first",
    sends: "No request. The kit calls `close()` several times, also where `shutdown` rejects.",
    expects: "`shutdown` is called once, and every call of `close()` has the same outcome.",
    run: async ({ serve, probe, within }) => {
      const server = await serve({
        fetch: () => ok(""),
        shutdown: () => {
          probe.record("shutdown");
        },
      });
      await within(Promise.all([server.close(), server.close()]), "two calls of close()");
      await within(server.close(), "a later call of close()");
      equal(await probe.records(), ["shutdown"], "the calls of shutdown");

      const error = new Error("on purpose");
      const failing = await serve({ fetch: () => ok(""), shutdown: () => Promise.reject(error) });
      const outcomes = await within(Promise.allSettled([failing.close(), failing.close()]), "two calls of close()");
      const reasons = outcomes.map((outcome) => outcome.status === "rejected" && outcome.reason === error);
      equal(reasons, [true, true], "whether both calls reject with the error of shutdown");
    },
  },
  {
    kind: "server",
    name: "close-by-dispose",
    rules: ["TSGI-53"],
    title: "a server that leaves the block of its await using is closed",
    sends: "No request. The kit calls `[Symbol.asyncDispose]()`, and then `close()`.",
    expects: "`shutdown` is called once, and both fulfil.",
    run: async ({ serve, probe, within }) => {
      const server = await serve({
        fetch: () => ok(""),
        shutdown: () => {
          probe.record("shutdown");
        },
      });
      await within(Promise.resolve(server[Symbol.asyncDispose]()), "the disposal of the server");
      equal(await probe.records(), ["shutdown"], "the calls of shutdown");
      await within(server.close(), "a later call of close()");
      equal(await probe.records(), ["shutdown"], "the calls of shutdown after both");
    },
  },
  {
    kind: "server",
    name: "drain-ends-event-stream",
    http2: "also",
    rules: ["TSGI-50", "TSGI-51"],
    title: "an event stream gets time to end itself when the server shuts down",
    sends: "A request for an event stream that waits for `draining`, then `close()`.",
    expects: "The last event and the last chunk; `completed` fulfils.",
    run: async ({ serve, probe, connect, within }) => {
      const server = await serve(
        (request, exchange) => {
          recordSignal(probe, request);
          recordCompleted(probe, exchange);
          const { promise: draining, resolve } = Promise.withResolvers<void>();
          exchange.draining.addEventListener("abort", () => {
            resolve();
          });
          return {
            status: 200,
            headers: { "content-type": "text/event-stream" },
            body: (async function* () {
              yield `data: ${lastSegment(request.url)}\n\n`;
              await draining;
              yield "data: last\n\n";
            })(),
          };
        },
        { shutdownTimeoutMs: UNLIMITED_MS },
      );
      const wire = await connect(server);
      wire.request({ target: "/events" });
      await wire.head();
      equal(String(await wire.piece()), "data: events\n\n", "the first event");
      const closed = server.close();
      equal(String(await wire.piece()), "data: last\n\n", "the last event");
      equal(await wire.piece(), null, "the last chunk");
      await wire.closed();
      wire.close();
      await within(closed, "close()");
      equal(await probe.records(), ["completed"], "what the event stream recorded");
    },
  },
];
