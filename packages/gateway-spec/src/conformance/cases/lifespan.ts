/** The lifespan of an application: TSGI-31 and TSGI-34 to TSGI-37. */
import type { ConformanceCase } from "../case.ts";
import { equal } from "../expect.ts";
import { lastSegment, recordOutcome, ok } from "./support.ts";

export const lifespanCases: readonly ConformanceCase[] = [
  {
    kind: "server",
    name: "bare-handler",
    rules: ["TSGI-34"],
    title: "a bare handler is an application",
    sends: "One request to a server that was started with a function.",
    expects: "The response of the function, and a `close()` that fulfils.",
    run: async (context) => {
      const server = await context.serve(() => ok("bare"));
      const wire = await context.connect(server);
      wire.request({ target: "/" });
      equal((await wire.response()).body.toString(), "bare", "the body of the response");
      wire.close();
      await context.within(server.close(), "close()");
    },
  },
  {
    kind: "server",
    name: "lifespan-order",
    http2: "also",
    rules: ["TSGI-35", "TSGI-37", "TSGI-52"],
    title: "startup, fetch, draining, waitUntil and shutdown run in this order, each once",
    sends:
      "Two requests on one connection. While the handler of the second waits, the kit calls `close()`; then it releases the response, and then the `waitUntil` work.",
    expects:
      "`startup` ends before the first `fetch`; `draining` aborts at `close()`; `shutdown` runs after the response and the work; `close()` fulfils last. Each happens once.",
    run: async ({ serve, probe, connect, within }) => {
      const server = await serve(
        {
          startup: async ({ software, specVersion }) => {
            probe.record("startup begins");
            await Promise.resolve();
            probe.record(software !== "" && /^\d+\.\d+$/.test(specVersion) ? "startup ends" : "no ServerInfo");
          },
          fetch: async (request, exchange) => {
            const name = lastSegment(request.url);
            probe.record(`fetch ${name}`);
            if (name === "first") {
              exchange.draining.addEventListener("abort", () => {
                probe.record("draining");
              });
              return ok(name);
            }
            await probe.released("respond");
            probe.record("respond");
            const work = async () => {
              await probe.released("finish work");
              probe.record("work ends");
            };
            exchange.waitUntil(work());
            return ok(name);
          },
          shutdown: () => {
            probe.record("shutdown");
          },
        },
        { shutdownTimeoutMs: 60_000 },
      );
      const wire = await connect(server);
      wire.request({ target: "/first" });
      await wire.response();
      wire.request({ target: "/second" });
      await probe.recorded("fetch second");
      const closed = recordOutcome(probe, server.close(), "closed");
      await probe.recorded("draining");
      await probe.release("respond");
      await wire.response();
      await wire.closed();
      wire.close();
      await probe.release("finish work");
      await within(closed, "close()");
      equal(
        await probe.records(),
        [
          "startup begins",
          "startup ends",
          "fetch first",
          "fetch second",
          "draining",
          "respond",
          "work ends",
          "shutdown",
          "closed",
        ],
        "the order of the lifespan",
      );
    },
  },
  {
    kind: "server",
    name: "startup-failure",
    rules: ["TSGI-35"],
    title: "if startup rejects, serve rejects with the same error, and nothing is served",
    sends: "No request. `startup` rejects, and in a second run throws.",
    expects: "`serve` rejects with the same error object, and calls neither `fetch` nor `shutdown`.",
    run: async ({ serve, probe, within }) => {
      const error = new Error("on purpose");
      for (const startup of [
        () => Promise.reject(error),
        () => {
          throw error;
        },
      ]) {
        const served = serve({
          startup,
          fetch: () => {
            probe.record("fetch");
            return ok("");
          },
          shutdown: () => {
            probe.record("shutdown");
          },
        });
        const outcome = await within(
          served.then(
            () => "a server",
            (reason: unknown) => reason,
          ),
          "serve() to reject",
        );
        equal(outcome === error, true, "serve() rejects with the error of startup");
      }
      equal(await probe.records(), [], "the calls after the failed startup");
    },
  },
  {
    kind: "server",
    name: "state",
    rules: ["TSGI-36"],
    title: "exchange.state and the argument of shutdown are the value that startup returned, not a copy",
    sends: "Two requests to an application whose `startup` returns an object, and one to a bare handler.",
    expects:
      "`exchange.state` and the argument of `shutdown` are that object; the state of a bare handler is `undefined`.",
    run: async ({ serve, probe, connect, within }) => {
      const state = { requests: 0 };
      const server = await serve({
        startup: () => Promise.resolve(state),
        fetch: (_request, exchange) => {
          exchange.state.requests++;
          return ok(String(exchange.state === state));
        },
        shutdown: (given) => {
          probe.record(given === state ? `shutdown after ${given.requests}` : "shutdown with another state");
        },
      });
      const wire = await connect(server);
      for (let time = 0; time < 2; time++) {
        wire.request({ target: "/" });
        equal((await wire.response()).body.toString(), "true", "whether exchange.state is what startup returned");
      }
      wire.close();
      await within(server.close(), "close()");
      equal(await probe.records(), ["shutdown after 2"], "the argument of shutdown");

      const without = await serve((_request, exchange) => ok(typeof exchange.state));
      const other = await connect(without);
      other.request({ target: "/" });
      equal((await other.response()).body.toString(), "undefined", "the type of exchange.state without a startup");
      other.close();
    },
  },
  {
    kind: "server",
    name: "wait-until",
    rules: ["TSGI-31", "TSGI-37"],
    title: "close() waits for waitUntil promises, including those that such work adds",
    sends: "One request. Its `waitUntil` work adds further work to `waitUntil` while `close()` waits.",
    expects: "The response without waiting for the work, and `shutdown` after both pieces of work.",
    run: async ({ serve, probe, connect, within }) => {
      const later = async () => {
        await probe.released("second");
        probe.record("second work");
      };
      const server = await serve(
        {
          fetch: (_request, exchange) => {
            const work = async () => {
              await probe.released("first");
              probe.record("first work");
              exchange.waitUntil(later());
            };
            exchange.waitUntil(work());
            return ok("response");
          },
          shutdown: () => {
            probe.record("shutdown");
          },
        },
        { shutdownTimeoutMs: 60_000 },
      );
      const wire = await connect(server);
      wire.request({ target: "/" });
      equal((await wire.response()).body.toString(), "response", "the response, which does not wait for the work");
      wire.close();
      const closed = server.close();
      await probe.release("first");
      await probe.recorded("first work");
      await probe.release("second");
      await within(closed, "close()");
      equal(await probe.records(), ["first work", "second work", "shutdown"], "the order of the work");
    },
  },
  {
    kind: "server",
    name: "shutdown-failure",
    rules: ["TSGI-37"],
    title: "close() rejects with what shutdown throws",
    sends: "No request. `shutdown` rejects.",
    expects: "`close()` rejects with the same error object.",
    run: async ({ serve, within }) => {
      const error = new Error("on purpose");
      const server = await serve({ fetch: () => ok(""), shutdown: () => Promise.reject(error) });
      const outcome = await within(
        server.close().then(
          () => "fulfilled",
          (reason: unknown) => reason,
        ),
        "close()",
      );
      equal(outcome === error, true, "close() rejects with the error of shutdown");
    },
  },
];
