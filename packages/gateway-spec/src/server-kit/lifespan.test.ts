import { describe, expect, test } from "vitest";
import type { Application, Logger } from "../index.ts";
import { Lifespan } from "./lifespan.ts";

const SOFTWARE = "test/1";

function logged(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const log = (message: string) => void lines.push(message);
  return { logger: { info: log, warn: log, error: log }, lines };
}

describe("a lifespan", () => {
  test("runs startup, the work given to waitUntil and shutdown in this order, each once", async () => {
    const events: string[] = [];
    const work = Promise.withResolvers<void>();
    const application: Application<string> = {
      fetch: () => ({ status: 200 }),
      startup: ({ software }) => `state of ${software}`,
      shutdown: (state) => void events.push(`shutdown with ${state}`),
    };
    const lifespan = new Lifespan(application, SOFTWARE, logged().logger);
    expect([lifespan.started, lifespan.state]).toEqual([false, undefined]);
    await Promise.all([lifespan.start(), lifespan.start()]);
    expect([lifespan.started, lifespan.state]).toEqual([true, "state of test/1"]);
    lifespan.draining.addEventListener("abort", () => events.push("draining"));
    const { waitUntil } = lifespan;
    waitUntil(work.promise.then(() => events.push("work")));
    const ends = [lifespan.close(), lifespan.close(), lifespan.end()];
    expect(events).toEqual(["draining"]);
    work.resolve();
    await Promise.all(ends);
    expect(events).toEqual(["draining", "work", "shutdown with state of test/1"]);
  });

  test("waits for work that other work leaves behind", async () => {
    const events: string[] = [];
    const lifespan = new Lifespan(
      { fetch: () => ({ status: 200 }), shutdown: () => void events.push("shutdown") },
      SOFTWARE,
      logged().logger,
    );
    const first = async () => {
      await Promise.resolve();
      lifespan.waitUntil(new Promise<void>((resolve) => setImmediate(resolve)).then(() => events.push("second")));
    };
    lifespan.waitUntil(first());
    await lifespan.close();
    expect(events).toEqual(["second", "shutdown"]);
  });

  test("goes on without unfinished work at the deadline, and logs how much there is", async () => {
    const { logger, lines } = logged();
    const lifespan = new Lifespan(() => ({ status: 200 }), SOFTWARE, logger);
    lifespan.waitUntil(new Promise(() => undefined));
    await lifespan.end(Promise.resolve());
    expect(lines).toEqual(["Shut down with unfinished work of waitUntil: 1 promises"]);
  });

  test("logs a rejection of waitUntil and goes on", async () => {
    const { logger, lines } = logged();
    const lifespan = new Lifespan(() => ({ status: 200 }), SOFTWARE, logger);
    lifespan.waitUntil(Promise.reject(new Error("lost")));
    await lifespan.close();
    expect(lines).toEqual(["Work given to waitUntil failed"]);
  });

  test("names what waitUntil was given in place of a promise", () => {
    const lifespan = new Lifespan(() => ({ status: 200 }), SOFTWARE, logged().logger);
    expect(() => {
      lifespan.waitUntil((() => undefined) as unknown as Promise<void>);
    }).toThrow("waitUntil takes a promise, not a function: call the function and pass what it returns");
  });

  test("does not shut down an application whose startup failed", async () => {
    const events: string[] = [];
    const lifespan = new Lifespan(
      {
        fetch: () => ({ status: 200 }),
        startup: () => Promise.reject(new Error("no database")),
        shutdown: () => void events.push("shutdown"),
      },
      SOFTWARE,
      logged().logger,
    );
    await expect(lifespan.start()).rejects.toThrow("no database");
    await expect(lifespan.start()).rejects.toThrow("no database");
    await lifespan.close();
    expect([lifespan.started, events]).toEqual([false, []]);
  });

  test("passes on what shutdown threw, at each call", async () => {
    const lifespan = new Lifespan(
      { fetch: () => ({ status: 200 }), shutdown: () => Promise.reject(new Error("still open")) },
      SOFTWARE,
      logged().logger,
    );
    await expect(lifespan.close()).rejects.toThrow("still open");
    await expect(lifespan.end()).rejects.toThrow("still open");
  });

  test.each([
    [undefined, "not undefined"],
    [{}, "not an object"],
    ["app.ts", 'not the string "app.ts"'],
    [{ fetch: "x" }, "not an object"],
  ])("refuses %j as an application", (application, message) => {
    expect(() => new Lifespan(application as unknown as Application, SOFTWARE, logged().logger)).toThrow(message);
  });

  test("calls fetch as a method of its application", async () => {
    class App {
      readonly #status = 204;
      fetch() {
        return { status: this.#status };
      }
    }
    const lifespan = new Lifespan(new App(), SOFTWARE, logged().logger);
    expect(await lifespan.handler(undefined as never, undefined as never)).toEqual({ status: 204 });
  });

  test("survives a logger that throws", async () => {
    const fail = () => {
      throw new Error("the disk is full");
    };
    const lifespan = new Lifespan(() => ({ status: 200 }), SOFTWARE, { info: fail, warn: fail, error: fail });
    lifespan.waitUntil(Promise.reject(new Error("lost")));
    await lifespan.close();
  });
});
