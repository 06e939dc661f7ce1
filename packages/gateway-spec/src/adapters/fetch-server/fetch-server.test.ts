import { describe, expect, expectTypeOf, test, vi } from "vitest";
import { readText } from "../../body.ts";
import type { Application, Exchange, ExchangeErrorCode, Handler, IncomingRequest, Logger } from "../../index.ts";
import { exchangeError } from "../../server-kit/refusals.ts";
import { createTestClient } from "../../testing.ts";
import {
  type ConnectContext,
  fromServerContext,
  type HandlerObject,
  isHandlerObject,
  PROTOCOL_MARKER,
  type ServerContext,
  toExchangeError,
  toProtocolError,
  toServerContext,
} from "./index.ts";

const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A handler object that has `fetch`, and what `others` adds. */
function handlerObject(fetch: HandlerObject["fetch"], others: Partial<HandlerObject> = {}): HandlerObject {
  return { [PROTOCOL_MARKER]: 1, fetch, ...others };
}

async function responseOf(handler: HandlerObject, path = "/", init: { readonly method?: string } = {}) {
  await using client = await createTestClient(fromServerContext(handler, { logger: QUIET }));
  return client.request(path, init);
}

describe("fromServerContext", () => {
  test("accepts a marked object of version 1, and no other", () => {
    const fetch = () => new Response();
    expect(isHandlerObject({ [PROTOCOL_MARKER]: 7, fetch })).toBe(true);
    expect(isHandlerObject({ fetch })).toBe(false);
    expect(() => fromServerContext({ fetch })).toThrow("wintertc.server.protocol");
    expect(() => fromServerContext({ [PROTOCOL_MARKER]: 2, fetch })).toThrow(
      "Version the number 2 of the Fetch Server API is unknown; this adapter knows version 1",
    );
    expect(() => fromServerContext({ [PROTOCOL_MARKER]: 1 } as unknown as HandlerObject)).toThrow("a fetch method");
  });

  test("passes one genuine Request, the addresses and the priority of the client", async () => {
    let seen: ServerContext | undefined;
    const handler = handlerObject((ctx) => {
      seen = ctx;
      return new Response(`${ctx.request.method} ${ctx.request.url}`);
    });
    await using client = await createTestClient(fromServerContext(handler));
    const response = await client.request("/a?b", { headers: { priority: "u=1, i" } });
    expect(response.text()).toBe("GET http://test.localhost/a?b");
    expect(seen?.request).toBeInstanceOf(Request);
    expect(seen?.request).toBe(seen?.request);
    expect(seen).toMatchObject({
      alpnProtocol: "http/1.1",
      encrypted: false,
      serverName: null,
      clientPriority: { urgency: 1, incremental: true },
      serverPriority: null,
      onpriority: null,
      autoContinue: true,
    });
    expect(seen?.remoteAddress.family).toMatch(/^IPv[46]$/);
  });

  test("calls the methods with the handler object as this, and disposes it at the shutdown", async () => {
    const dispose = vi.fn(() => Promise.resolve());
    const handler = {
      [PROTOCOL_MARKER]: 1,
      greeting: "hello",
      fetch(this: { readonly greeting: string }) {
        return new Response(this.greeting);
      },
      [Symbol.asyncDispose]: dispose,
    };
    const client = await createTestClient(fromServerContext(handler as unknown as HandlerObject));
    expect((await client.request("/")).text()).toBe("hello");
    expect(dispose).not.toHaveBeenCalled();
    await client[Symbol.asyncDispose]();
    expect(dispose).toHaveBeenCalledTimes(1);
  });

  test.each<[string, HandlerObject, number]>([
    ["throws", handlerObject(() => Promise.reject(new Error("secret"))), 500],
    ["returns nothing", handlerObject(() => undefined), 500],
    ["returns what is no Response", handlerObject(() => ({ status: 200 }) as Response), 500],
    [
      "denies",
      handlerObject((ctx) => {
        ctx.deny();
        return undefined;
      }),
      503,
    ],
    [
      "denies with the fall-through symbol, in fetch",
      handlerObject((ctx) => {
        ctx.deny(Symbol.for("wintertc.server.fallthrough"));
        return undefined;
      }),
      500,
    ],
    [
      "denies twice",
      handlerObject((ctx) => {
        ctx.deny();
        ctx.deny();
        return undefined;
      }),
      503,
    ],
  ])("a fetch that %s", async (_what, handler, status) => {
    const response = await responseOf(handler);
    expect(response.status).toBe(status);
    expect(response.text()).not.toContain("secret");
  });

  test.each<[string, NonNullable<HandlerObject["error"]>, number]>([
    ["its response is sent", () => new Response(null, { status: 418 }), 418],
    ["undefined leaves the 500", () => undefined, 500],
    ["what it throws leaves the 500", () => Promise.reject(new Error("again")), 500],
    [
      "it may deny",
      (ctx) => {
        ctx.deny();
        return undefined;
      },
      503,
    ],
  ])("error() gets the context and the error: %s", async (_what, error, status) => {
    const called = vi.fn(error);
    const thrown = new Error("first");
    let context: ServerContext | undefined;
    const handler = handlerObject(
      (ctx) => {
        context = ctx;
        throw thrown;
      },
      { error: called },
    );
    expect((await responseOf(handler)).status).toBe(status);
    expect(called.mock.calls).toEqual([[context, thrown]]);
  });

  test("a failed fetch completes: the response of the server was sent in its place", async () => {
    let completed: Promise<void> | null = null;
    await responseOf(
      handlerObject((ctx) => {
        ({ completed } = ctx);
        throw new Error("on purpose");
      }),
    );
    await expect(completed).resolves.toBeUndefined();
  });

  /** Calls the application as a server does that sends informational responses. */
  function call(handler: HandlerObject, signal: AbortSignal = new AbortController().signal) {
    const sent: (readonly [number, string | null])[] = [];
    const exchange = {
      target: "/",
      completed: new Promise(() => undefined),
      sendInformational: (status: number, headers: Headers) => sent.push([status, headers.get("link")]),
    } as unknown as Exchange;
    const incoming: IncomingRequest = {
      method: "GET",
      url: "http://a.test/",
      headers: new Headers(),
      body: null,
      signal,
    };
    return { sent, response: fromServerContext(handler, { logger: QUIET }).fetch(incoming, exchange) };
  }

  test("informational responses follow the states of the draft", async () => {
    const thrown: string[] = [];
    const attempt = (run: () => void) => {
      try {
        run();
      } catch (error) {
        thrown.push((error as Error).name);
      }
    };
    let late: ServerContext | undefined;
    const { sent, response } = call(
      handlerObject((ctx) => {
        late = ctx;
        attempt(() => {
          ctx.sendInformational(101);
        });
        attempt(() => {
          ctx.sendInformational(200);
        });
        attempt(() => {
          ctx.sendInformational(100);
        });
        ctx.sendInformational(103, { link: "</a.css>" });
        attempt(() => {
          ctx.deny();
        });
        return new Response();
      }),
    );
    expect((await response).status).toBe(200);
    attempt(() => late?.sendInformational(103));
    expect(sent).toEqual([[103, "</a.css>"]]);
    expect(thrown).toEqual(["RangeError", "RangeError", "NotSupportedError", "InvalidStateError", "InvalidStateError"]);
  });

  test("a server without informational responses throws NotSupportedError", async () => {
    const handler = handlerObject((ctx) => {
      ctx.sendInformational(103);
      return new Response();
    });
    const error = vi.fn(() => new Response());
    await responseOf({ ...handler, error });
    expect(error).toHaveBeenCalledWith(expect.anything(), expect.objectContaining({ name: "NotSupportedError" }));
  });

  test("a client that is gone aborts the signal with a protocol error, and what the handler does then is dropped", async () => {
    const abort = new AbortController();
    const gone = Promise.withResolvers<unknown>();
    const error = vi.fn();
    const { sent, response } = call(
      handlerObject(
        async ({ request }) => {
          request.signal.addEventListener("abort", () => {
            gone.resolve(request.signal.reason);
          });
          await gone.promise;
          return undefined;
        },
        { error },
      ),
      abort.signal,
    );
    abort.abort(exchangeError("CLIENT_DISCONNECTED", "The client closed the connection"));
    expect(await gone.promise).toMatchObject({ name: "TypeError", code: "ERR_HTTP_CONNECTION_RESET" });
    await response;
    expect([sent, error.mock.calls]).toEqual([[], []]);
  });
});

describe("toServerContext", () => {
  test("is a marked object with every method, and leads the application's lifespan", async () => {
    const calls: string[] = [];
    const handler = toServerContext({
      startup: () => void calls.push("startup"),
      fetch: (_request, exchange) => {
        calls.push(`fetch ${exchange.target}`);
        return { status: 200, body: "ok" };
      },
      shutdown: () => void calls.push("shutdown"),
    });
    expect(isHandlerObject(handler)).toBe(true);
    await using client = await createTestClient(fromServerContext(handler));
    expect((await client.request("/a%2Fb")).text()).toBe("ok");
    await client.request("/c");
    await handler[Symbol.asyncDispose]();
    expect(calls).toEqual(["startup", "fetch /a%2Fb", "fetch /c", "shutdown"]);
  });

  test("runs a handler over both adapters: content and failures", async () => {
    const handler: Handler = async (request, exchange) => {
      // The host has none: a hint is dropped.
      exchange.sendInformational?.(103, { link: "</a.css>" });
      if (request.url.endsWith("/fails")) throw new Error("secret");
      return { status: 201, headers: { "x-a": "1" }, body: await readText(request) };
    };
    await using client = await createTestClient(fromServerContext(toServerContext(handler, { logger: QUIET })));
    const response = await client.request("/", { method: "POST", body: "content" });
    expect([response.status, response.headers.get("x-a"), response.text()]).toEqual([201, "1", "content"]);
    expect((await client.request("/fails")).status).toBe(500);
  });

  test.each([
    ["connect-udp", "CONNECT", 501, false],
    [null, "CONNECT", 501, false],
    ["h2c", "GET", null, true],
  ])("connect for %s by %s", async (connectProtocol, method, status, fallsThrough) => {
    const deny = vi.fn();
    const context = { connectProtocol, deny, request: { method } } as unknown as ConnectContext;
    const response = await toServerContext(() => ({ status: 200 })).connect(context);
    expect([response?.status ?? null, deny.mock.calls.length === 1]).toEqual([status, fallsThrough]);
  });
});

test.each<ExchangeErrorCode>([
  "CLIENT_DISCONNECTED",
  "REQUEST_BODY_TOO_LARGE",
  "REQUEST_BODY_TIMEOUT",
  "REQUEST_BODY_MALFORMED",
  "REQUEST_BODY_DROPPED",
  "RESPONSE_FAILED",
  "RESPONSE_TIMEOUT",
  "SERVER_CLOSED",
])("%s is a protocol error on a host of the draft, and itself again behind it", (code) => {
  const error = toProtocolError(exchangeError(code, "why"));
  expect(error).toBeInstanceOf(TypeError);
  expect(toExchangeError(error, "exchange").code).toBe(code);
  const place = code.startsWith("REQUEST_BODY") ? "content" : "exchange";
  const foreign = Object.assign(new TypeError("why"), { code: (error as { readonly code: string }).code });
  expect(toExchangeError(foreign, place).code).toBe(code);
});

test("the types of both adapters fit each other, and a literal fits a handler object", () => {
  expectTypeOf(toServerContext).returns.toExtend<HandlerObject>();
  expectTypeOf(fromServerContext).returns.toExtend<Application>();
  expectTypeOf<{ [PROTOCOL_MARKER]: 1; fetch: () => Response }>().toExtend<HandlerObject>();
  expectTypeOf<ConnectContext>().toExtend<ServerContext>();
});
