/** When a signal aborts and `completed` settles: TSGI-13 and TSGI-30. And who is told to stop: TSGI-40. */
import type { ConformanceCase } from "../case.ts";
import { equal } from "../expect.ts";
import { noteCompleted, noteSignal, ok, pieces, readAll, watchedBody } from "./support.ts";

const NEVER = new Promise<never>(() => undefined);

export const abortCases: readonly ConformanceCase[] = [
  {
    kind: "exchange",
    name: "signal-on-disconnect",
    rules: ["TSGI-13"],
    title: "the signal aborts as soon as the client is gone, with a code",
    handler: (scene) => async (request) => {
      noteSignal(scene, request);
      scene.note("running");
      await scene.cued("finish");
      scene.note(request.signal.aborted ? "still aborted" : "another signal");
      return ok("");
    },
    run: async (stage) => {
      const wire = await stage.connect();
      wire.request();
      await stage.noted("running");
      await stage.settle();
      equal(await stage.notes(), ["running"], "what the handler saw while the client waits");
      wire.reset();
      await stage.noted("signal CLIENT_DISCONNECTED");
      await stage.cue("finish");
      await stage.noted("still aborted");
    },
  },
  {
    kind: "exchange",
    name: "signal-not-on-success",
    rules: ["TSGI-13"],
    title: "the signal never aborts on success, nor because the request body ended",
    handler: (scene) => async (request, exchange) => {
      noteSignal(scene, request);
      noteCompleted(scene, exchange);
      await readAll(request);
      scene.note("read");
      await scene.cued("answer");
      return { status: 200, body: pieces("a", "b") };
    },
    run: async (stage) => {
      const wire = await stage.connect();
      wire.request({ method: "POST", body: "content", headers: [["Connection", "close"]] });
      await stage.noted("read");
      await stage.settle();
      await stage.cue("answer");
      equal((await wire.response()).body.toString(), "ab", "the answer");
      await stage.noted("completed");
      await wire.rest();
      wire.end();
      wire.close();
      await stage.settle();
      equal(await stage.notes(), ["read", "completed"], "what the handler saw");
    },
  },
  {
    kind: "exchange",
    name: "completed-fulfils",
    rules: ["TSGI-30"],
    title: "completed fulfils when the response was sent in full, and not before",
    handler: (scene) => (request, exchange) => {
      noteCompleted(scene, exchange);
      if (!request.url.endsWith("/pieces")) return ok("whole");
      return {
        status: 200,
        body: watchedBody(scene, async (index) => {
          if (index === 0) return { value: "first" };
          await scene.cued("end");
          return { done: true, value: undefined };
        }),
      };
    },
    run: async (stage) => {
      const wire = await stage.connect();
      wire.request({ path: "/pieces" });
      equal((await wire.head()).status, 200, "the status");
      equal(String(await wire.chunk()), "first", "the first chunk");
      await stage.settle();
      equal(await stage.notes(), ["next", "next"], "what happened before the response was complete");
      await stage.cue("end");
      equal(await wire.chunk(), null, "the last chunk");
      await stage.noted("completed");
      await stage.fetch({ path: "/whole" });
      await stage.settle();
      equal(await stage.notes(), ["next", "next", "completed", "completed"], "what happened in all");
    },
  },
  {
    kind: "exchange",
    name: "completed-rejects",
    rules: ["TSGI-30", "TSGI-38"],
    title: "completed rejects where the response was not sent in full, and the signal aborts with it",
    handler: (scene) => async (request, exchange) => {
      noteSignal(scene, request);
      noteCompleted(scene, exchange);
      if (request.url.endsWith("/throws")) throw new Error("on purpose");
      scene.note("running");
      await NEVER;
      return ok("");
    },
    run: async (stage) => {
      equal((await stage.fetch({ path: "/throws" })).status, 500, "the status of a handler that throws");
      await stage.noted("completed RESPONSE_FAILED");
      equal(
        await stage.notes(),
        ["signal RESPONSE_FAILED", "completed RESPONSE_FAILED"],
        "what a handler that throws saw",
      );
      const wire = await stage.connect();
      wire.request();
      await stage.noted("running");
      // What begins a connection of TLS 1.3 is written by then: on a reset in the middle of it node sees but an end.
      await stage.settle();
      wire.reset();
      await stage.noted("completed CLIENT_DISCONNECTED");
      await stage.settle();
      equal(
        (await stage.notes()).slice(2),
        ["running", "signal CLIENT_DISCONNECTED", "completed CLIENT_DISCONNECTED"],
        "what a handler whose client left saw",
      );
    },
  },
  {
    kind: "exchange",
    name: "disconnect-releases-body",
    rules: ["TSGI-40"],
    title: "a client that leaves aborts the signal and then releases the body, once",
    handler: (scene) => (request) => {
      noteSignal(scene, request);
      const next = async (index: number) => {
        if (index > 0) await scene.cued("more");
        return { value: "piece", done: false } as const;
      };
      if (request.url.endsWith("/iterable")) return { status: 200, body: watchedBody(scene, next) };
      let index = 0;
      const reader = {
        read: () => next(index++),
        cancel: () => {
          scene.note("cancel");
          return Promise.resolve();
        },
        releaseLock: () => undefined,
      };
      return { status: 200, body: { getReader: () => reader } };
    },
    run: async (stage) => {
      const one = await stage.connect();
      one.request({ path: "/iterable" });
      await one.head();
      equal(String(await one.chunk()), "piece", "the first chunk");
      one.reset();
      await stage.noted("return");
      await stage.settle();
      equal(
        (await stage.notes()).filter((note) => note !== "next"),
        ["signal CLIENT_DISCONNECTED", "return"],
        "what happened to the iterable",
      );
      const other = await stage.connect();
      other.request({ path: "/stream" });
      await other.head();
      equal(String(await other.chunk()), "piece", "the first chunk");
      other.reset();
      await stage.noted("cancel");
      await stage.cue("more");
      await stage.settle();
      equal(
        (await stage.notes()).filter((note) => note !== "next").slice(2),
        ["signal CLIENT_DISCONNECTED", "cancel"],
        "what happened to the stream",
      );
    },
  },
  {
    kind: "exchange",
    name: "stuck-body-released",
    rules: ["TSGI-40"],
    title: "nobody waits for a body that does not let itself be released",
    handler: (scene) => (request, exchange) => {
      noteSignal(scene, request);
      noteCompleted(scene, exchange);
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
              scene.note("return");
              // It queues behind the pending next().
              return body.return(undefined);
            },
          }),
        },
      };
    },
    run: async (stage) => {
      const wire = await stage.connect();
      wire.request();
      await wire.head();
      equal(String(await wire.chunk()), "piece", "the first chunk");
      wire.reset();
      await stage.noted("return");
      await stage.noted("completed CLIENT_DISCONNECTED");
      const notes = await stage.notes();
      equal(notes.indexOf("signal CLIENT_DISCONNECTED") < notes.indexOf("return"), true, "signal before return()");
      equal(notes.filter((note) => note === "return").length, 1, "calls of return()");
    },
  },
];
