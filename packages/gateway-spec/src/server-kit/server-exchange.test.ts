import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "vitest";
import type { Handler, IncomingRequest, OutgoingResponse } from "../index.ts";
import { HandlerScope } from "./handler-scope.ts";
import { Lifespan } from "./lifespan.ts";
import { clientDisconnected, contentTooLarge, type PlainResponse } from "./refusals.ts";
import { checkStatus } from "./handler-result.ts";
import { ServerExchange } from "./server-exchange.ts";

/** A transport that records what it has to do. */
class RecordingExchange extends ServerExchange {
  readonly target = "/a";
  readonly protocol = "1.1";
  readonly encrypted = false;
  readonly peerAddress = null;
  readonly localAddress = null;
  readonly tls = null;
  readonly request: IncomingRequest;
  protected readonly lifespan: Lifespan;
  readonly events: string[] = [];
  headSent = false;

  constructor(lifespan: Lifespan) {
    super();
    this.lifespan = lifespan;
    const { signal } = this;
    signal.addEventListener("abort", () => this.events.push("signal"));
    this.request = { method: "GET", url: "http://a/a", headers: new Headers(), body: null, signal };
  }

  protected send({ status }: OutgoingResponse): void {
    checkStatus(status);
    this.events.push(`send ${status}`);
  }

  protected sendFailure({ status, body }: PlainResponse): void {
    this.events.push(`failure ${status} ${body.trim()}`);
  }

  protected terminate(): void {
    this.events.push("terminate");
  }
}

function run(handler: unknown) {
  const lines: string[] = [];
  const log = (message: string, error?: unknown) => {
    lines.push(error instanceof Error ? `${message}: ${error.message}` : message);
  };
  const lifespan = new Lifespan(handler as Handler, "test", { info: log, warn: log, error: log });
  const exchange = new RecordingExchange(lifespan);
  exchange.run(null);
  return { exchange, events: exchange.events, lines };
}

/** A stream that records its release among the events. */
function body(events: string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({ cancel: () => void events.push("released") });
}

const settled = () => new Promise(setImmediate);

describe("a handler", () => {
  test("that returns a response has it sent before run returns", () => {
    expect(run(() => ({ status: 204 })).events).toEqual(["send 204"]);
  });

  test.each<[string, () => unknown]>([
    ["a promise", () => Promise.resolve({ status: 204 })],
    [
      "a thenable of a library",
      // oxlint-disable-next-line unicorn/no-thenable -- it is what the test is about
      () => Object.defineProperty({}, "then", { value: (ok: (r: object) => void) => ok({ status: 204 }) }),
    ],
  ])("that returns %s has its response sent when it fulfils", async (_what, result) => {
    const { events } = run(result);
    expect(events).toEqual([]);
    await settled();
    expect(events).toEqual(["send 204"]);
  });

  test.each<[string, Handler]>([
    [
      "throws",
      () => {
        throw new Error("secret");
      },
    ],
    ["rejects", () => Promise.reject(new Error("secret"))],
  ])("that %s gets a 500, and its error is logged", async (_how, handler) => {
    const { exchange, events, lines } = run(handler);
    await settled();
    expect([events, lines]).toEqual([["signal", "failure 500 Internal Server Error"], ["GET /a failed: secret"]]);
    expect(exchange.failure).toMatchObject({ code: "RESPONSE_FAILED", cause: { message: "secret" } });
    exchange.succeed();
    await exchange.completed;
  });

  test("that throws, and whose client is gone before the 500 was sent: completed rejects", async () => {
    const { exchange } = run(() => {
      throw new Error("secret");
    });
    exchange.fail(clientDisconnected());
    exchange.succeed();
    await expect(exchange.completed).rejects.toMatchObject({ code: "CLIENT_DISCONNECTED" });
    expect(exchange.signal.reason).toMatchObject({ code: "RESPONSE_FAILED" });
  });

  test("that lets a failure of the request content pass gets the status of the failure", () => {
    const { exchange, events, lines } = run(() => {
      throw contentTooLarge(5);
    });
    expect(events).toEqual(["signal", "failure 413 The request content is longer than 5 bytes"]);
    expect(lines).toEqual(["GET /a refused with 413: The request content is longer than 5 bytes"]);
    expect(exchange.failure?.code).toBe("REQUEST_BODY_TOO_LARGE");
  });

  test("that returns no response gets a 500, and the log names the request and what to return", () => {
    const { events, lines } = run(() => "text");
    expect(events).toEqual(["signal", "failure 500 Internal Server Error"]);
    expect(lines).toEqual([
      'GET /a failed: The handler of GET /a returned the string "text". It must return a response, such as { status: 200, body: "text" }',
    ]);
  });
});

describe("the body of a response", () => {
  test("is released after the signal where the response is refused", async () => {
    const { events } = run((_request: IncomingRequest, exchange: RecordingExchange) => ({
      status: 700,
      body: body(exchange.events),
    }));
    await settled();
    expect(events).toEqual(["signal", "failure 500 Internal Server Error", "released"]);
  });

  test("is released where the client has gone before the handler returned", async () => {
    const { events } = run(async (_request: IncomingRequest, exchange: RecordingExchange) => {
      await settled();
      exchange.fail(clientDisconnected());
      return { status: 200, body: body(exchange.events) };
    });
    await settled();
    await settled();
    expect(events).toEqual(["signal", "released"]);
  });
});

test("a failure after the head terminates the connection", () => {
  const { exchange, events, lines } = run(() => ({ status: 200 }));
  exchange.headSent = true;
  exchange.handlerFailed(new Error("late"));
  exchange.handlerFailed(new Error("later"));
  expect(events).toEqual(["send 200", "signal", "terminate"]);
  expect(lines).toEqual(["GET /a failed after its head was sent; the connection is terminated: late"]);
});

test("a handler runs in the scope of its exchange", () => {
  const storage = new AsyncLocalStorage<string>();
  const scope = new HandlerScope();
  const seen: unknown[] = [];
  const lifespan = new Lifespan(() => {
    seen.push(storage.getStore());
    storage.enterWith("entered");
    return { status: 204 };
  }, "test");
  new RecordingExchange(lifespan).run(scope);
  new RecordingExchange(lifespan).run(scope);
  expect([...seen, storage.getStore()]).toEqual([undefined, undefined, undefined]);
});
