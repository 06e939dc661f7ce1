/** The servers on a host's HTTP server, with a host in this process: what does not depend on Bun or Deno. */
import type { Address, Exchange, Handler, Logger, Server } from "@tsgi/gateway-spec";
import { readText } from "@tsgi/gateway-spec/body";
import { describe, expect, test, vi } from "vitest";
import { serve as serveBun } from "../src/bun/index.ts";
import { serverKind } from "../src/cli/server-kind.ts";
import { serve as serveDeno } from "../src/deno/index.ts";
import { type FetchRuntime, RuntimeExchange } from "../src/fetch-host/exchange.ts";
import type { FetchHostOptions } from "../src/fetch-host/options.ts";
import { type HostListener, runFetchServer } from "../src/fetch-host/run.ts";
import { HostUpgrade } from "../src/fetch-host/websocket.ts";
import { ManualClock } from "./manual-clock.ts";

const QUIET: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined };
const PEER: Address = { transport: "tcp", hostname: "192.0.2.7", port: 7 };

class LocalExchange extends RuntimeExchange {
  readonly peerAddress = PEER;

  protected override createUpgrade(accepted: ConstructorParameters<typeof HostUpgrade>[0]): HostUpgrade {
    return new HostUpgrade(accepted);
  }

  protected override openSocket(): void {
    throw new TypeError("this host has no sockets");
  }
}

interface Host extends Server {
  readonly clock: ManualClock;
  readonly fetch: (request: Request) => Promise<Response>;
}

/** Serves on a host that is a function. */
async function host(
  application: Handler,
  options: FetchHostOptions = {},
  listener: Partial<HostListener> = {},
): Promise<Host> {
  const clock = new ManualClock();
  let runtime: FetchRuntime | undefined;
  const listen = (given: FetchRuntime): HostListener => {
    runtime = given;
    return {
      address: { transport: "tcp", hostname: "192.0.2.1", port: 80 },
      stop: () => Promise.resolve(),
      destroy: () => Promise.resolve(),
      ...listener,
    };
  };
  const server = await runFetchServer(application, { logger: QUIET, ...options }, "tsgi-test/1", listen, clock);
  const fetch = (request: Request): Promise<Response> => {
    if (runtime === undefined) throw new Error("not listening");
    const exchange = new LocalExchange(runtime, request);
    exchange.start();
    return exchange.response;
  };
  return { ...server, clock, fetch };
}

const REQUEST = "http://192.0.2.1/";

describe("the options of a server on a host", () => {
  test.each([
    [{ maxFields: 5 }, "UNSUPPORTED_OPTION", 'Bun.serve cannot keep the option "maxFields"'],
    [{ fd: 3, maxDrainBytes: 1 }, "UNSUPPORTED_OPTION", '"fd", "maxDrainBytes"'],
    [{ tls: { cert: "", key: "", minVersion: "TLSv1.3" } }, "UNSUPPORTED_OPTION", '"tls.minVersion"'],
    [{ proxies: { trusted: ["unix"], proxyProtocol: true } }, "UNSUPPORTED_OPTION", '"proxies.proxyProtocol"'],
    [{ hostnam: "x" }, "UNKNOWN_OPTION", 'did you mean "hostname"?'],
    [{ keepAliveTimeoutMs: 5000 }, "WRONG_RUNTIME", "@tsgi/server/bun needs Bun"],
  ])("%o is rejected with %s", async (options, code, message) => {
    await expect(serveBun(() => ({ status: 200 }), options as object)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message) as string,
    });
  });

  test("Deno.serve has no idle timeout, and is on Deno only", async () => {
    const app = () => ({ status: 200 });
    await expect(serveDeno(app, { keepAliveTimeoutMs: 5 } as object)).rejects.toMatchObject({
      code: "UNSUPPORTED_OPTION",
    });
    await expect(serveDeno(app)).rejects.toMatchObject({ code: "WRONG_RUNTIME" });
  });

  test("auto is the socket server on Node", () => {
    expect([serverKind("auto"), serverKind("deno")]).toEqual(["socket", "deno"]);
  });
});

test("the exchange has the addresses of the host", async () => {
  let seen: Exchange | undefined;
  await using server = await host((_request, exchange) => {
    seen = exchange;
    return { status: 204 };
  });
  await server.fetch(new Request(`${REQUEST}a%2Fb?x`));
  expect(seen).toMatchObject({
    target: "/a%2Fb?x",
    peerAddress: PEER,
    remoteAddress: PEER,
    localAddress: server.address,
    encrypted: false,
  });
  expect(server.url).toBe("http://192.0.2.1:80/");
});

test("content beyond the limit is refused with 413, whether its length is announced or not", async () => {
  await using server = await host(async (request) => ({ status: 200, body: await readText(request) }), {
    maxBodyBytes: 4,
  });
  const send = async (body: string, headers: Record<string, string> = {}) =>
    (await server.fetch(new Request(REQUEST, { method: "POST", body, headers }))).status;
  expect([await send("1234"), await send("12345"), await send("12345", { "content-length": "5" })]).toEqual([
    200, 413, 413,
  ]);
});

test("a client that sends nothing of its content gets 408, and a handler that takes long does not", async () => {
  const slow = Promise.withResolvers<void>();
  await using server = await host(
    async (request) => {
      if (request.body !== null) return { status: 200, body: await readText(request) };
      await slow.promise;
      return { status: 200 };
    },
    { bodyTimeoutMs: 1000 },
  );
  const body = new ReadableStream<Uint8Array>();
  const stalled = server.fetch(new Request(REQUEST, { method: "POST", body, duplex: "half" }));
  const handled = server.fetch(new Request(REQUEST));
  await Promise.resolve();
  server.clock.advance(5000);
  const response = await stalled;
  expect([response.status, response.headers.get("connection")]).toEqual([408, "close"]);
  slow.resolve();
  expect((await handled).status).toBe(200);
});

test("a client that does not read the pieces of a response fails the exchange with RESPONSE_TIMEOUT", async () => {
  let completed: Promise<void> | undefined;
  await using server = await host(
    (_request, exchange) => {
      completed = exchange.completed;
      return {
        status: 200,
        body: (async function* () {
          yield "one";
          yield "two";
        })(),
      };
    },
    { sendTimeoutMs: 1000 },
  );
  const { body } = await server.fetch(new Request(REQUEST));
  const reader = body?.getReader();
  await reader?.read();
  server.clock.advance(5000);
  await expect(completed).rejects.toMatchObject({ code: "RESPONSE_TIMEOUT" });
  await expect(reader?.read()).rejects.toThrow("did not read the response");
});

test("a shutdown stops the host first, then drains, and fails what runs at the deadline with SERVER_CLOSED", async () => {
  const calls: string[] = [];
  const stop = vi.fn(() => {
    calls.push("stop");
    return new Promise<void>(() => undefined);
  });
  const server = await host(
    (request, exchange) => {
      exchange.draining.addEventListener("abort", () => calls.push("draining"));
      request.signal.addEventListener("abort", () => calls.push((request.signal.reason as { code: string }).code));
      return new Promise(() => undefined);
    },
    { shutdownTimeoutMs: 2000 },
    {
      stop,
      destroy: () => {
        calls.push("destroy");
        return Promise.resolve();
      },
    },
  );
  const response = server.fetch(new Request(REQUEST));
  const closed = server.close();
  server.clock.advance(2000);
  await closed;
  expect(calls).toEqual(["stop", "draining", "SERVER_CLOSED", "destroy"]);
  expect((await response).headers.get("connection")).toBe("close");
});
