/** The diagnostics channels of exchanges, on both servers. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Application, Handler, Serve, Server } from "@tsgi/gateway-spec";
import { afterEach, describe, expect, test } from "vitest";
import { serve as serveNode } from "../src/node-http/index.ts";
import type { ExchangeEvent } from "../src/observe/exchange-events.ts";
import type { SocketServeOptions } from "../src/options.ts";
import { serve as serveSocket } from "../src/socket/index.ts";

const SERVERS: Readonly<Record<string, Serve<SocketServeOptions>>> = { socket: serveSocket, node: serveNode };
const QUIET = { info: () => undefined, warn: () => undefined, error: () => undefined };

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

/** What the channels publish, and a promise of the next end. */
function watch(...names: readonly ("start" | "response" | "end")[]) {
  const seen: [name: string, event: ExchangeEvent, status: number | null][] = [];
  const ended = Promise.withResolvers<void>();
  for (const name of names) {
    const listener = (message: unknown) => {
      const event = message as ExchangeEvent;
      seen.push([name, event, event.status]);
      if (name === "end") ended.resolve();
    };
    subscribe(`tsgi.exchange.${name}`, listener);
    cleanups.push(() => unsubscribe(`tsgi.exchange.${name}`, listener));
  }
  return { seen, ended: ended.promise };
}

describe.each(Object.entries(SERVERS))("on the %s server", (_name, serve) => {
  async function start<State>(
    application: Application<State> | Handler,
    options: SocketServeOptions = {},
  ): Promise<Server> {
    const server = await serve(application, { port: 0, logger: QUIET, ...options });
    cleanups.push(() => server.close({ timeoutMs: 0 }));
    return server;
  }

  test.each<[string, Handler]>([
    ["at once", () => ({ status: 201, body: "x" })],
    ["later", () => Promise.resolve({ status: 201, body: "x" })],
  ])("start, response and end carry one object, where the handler responds %s", async (_when, handler) => {
    const server = await start(handler);
    const { seen, ended } = watch("start", "response", "end");
    await (await fetch(`${server.url}a?b`)).text();
    await ended;
    expect(seen.map(([name, , status]) => [name, status])).toEqual([
      ["start", null],
      ["response", 201],
      ["end", 201],
    ]);
    const [event] = new Set(seen.map(([, event]) => event));
    expect(seen.every((entry) => entry[1] === event)).toBe(true);
    expect(event).toMatchObject({ error: null, response: { status: 201, body: "x" } });
    expect([event?.request.method, event?.exchange.target]).toEqual(["GET", "/a?b"]);
  });

  test.each<[string, Handler, number]>([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
      500,
    ],
    ["rejects", () => Promise.reject(new Error("secret")), 500],
    [
      "lets the error of a body reader pass",
      () => {
        throw Object.assign(new Error("not JSON"), { name: "BodyError", status: 400 });
      },
      400,
    ],
  ])(
    "a handler that %s has no response event, and its end has the status that was sent",
    async (_how, handler, status) => {
      const server = await start(handler);
      const { seen, ended } = watch("start", "response", "end");
      const response = await fetch(server.url);
      await response.text();
      await ended;
      expect(response.status).toBe(status);
      expect(seen.map(([name, , status]) => [name, status])).toEqual([
        ["start", null],
        ["end", status],
      ]);
      expect(seen.at(-1)?.[1].error).toMatchObject({ code: "RESPONSE_FAILED" });
    },
  );

  test("the end of an exchange whose client is gone has its error", async () => {
    const running = Promise.withResolvers<void>();
    const server = await start((request) => {
      running.resolve();
      return new Promise((resolve) => {
        request.signal.addEventListener("abort", () => {
          resolve({ status: 200 });
        });
      });
    });
    const { seen, ended } = watch("end");
    const client = new AbortController();
    const response = fetch(server.url, { signal: client.signal });
    await running.promise;
    client.abort();
    await expect(response).rejects.toThrow("aborted");
    await ended;
    expect(seen[0]?.[1].error).toMatchObject({ code: "CLIENT_DISCONNECTED" });
  });

  test("the events have the client of a trusted proxy", async () => {
    const server = await start(() => ({ status: 204 }), { proxies: { trusted: ["127.0.0.1"] } });
    const { seen, ended } = watch("end");
    await fetch(server.url, { headers: { "x-forwarded-for": "192.0.2.1" } });
    await ended;
    expect(seen[0]?.[1].exchange.remoteAddress).toMatchObject({ hostname: "192.0.2.1" });
  });

  test("one subscriber of one channel is enough", async () => {
    const server = await start({ fetch: () => ({ status: 204 }) });
    const { seen } = watch("response");
    await fetch(server.url);
    expect(seen).toHaveLength(1);
  });

  test("the state of an application, its this and its shutdown stay", async () => {
    class Site implements Application<string> {
      readonly #name = "site";
      closed = false;
      startup(): string {
        return "ready";
      }
      fetch: Application<string>["fetch"] = (_request, exchange) => ({
        status: 200,
        body: `${this.#name} ${exchange.state}`,
      });
      shutdown(): void {
        this.closed = true;
      }
    }
    const site = new Site();
    const server = await start(site);
    watch("start");
    expect(await (await fetch(server.url)).text()).toBe("site ready");
    await server.close({ timeoutMs: 0 });
    expect(site.closed).toBe(true);
  });

  test("what is no application is refused as without events", async () => {
    await expect(start({} as Application)).rejects.toThrow("An application is a handler function");
  });
});
