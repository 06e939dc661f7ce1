/** What no application and no client can make a TSGI server send. server-behaviour.ts tests what it sends. */
import type { Socket } from "node:net";
import type { Address, Handler, HeaderFields, OutgoingResponse, ResponseBody, Serve, Server } from "@tsgi/gateway-spec";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { NodeServeOptions } from "../src/options.ts";
import { get, lastContent, WireClient } from "./wire-client.ts";

const CLOSE = "Connection: close";

/** A value that converts to a different string each time. */
function turncoat(): string {
  let asked = 0;
  return { toString: () => (asked++ === 0 ? "ok" : "a\r\nSet-Cookie: evil=1") } as unknown as string;
}

/** How a client connects to a server with TLS. */
export interface Secured {
  readonly connect: (address: Address) => Socket;
}

export function describeStrictness(name: string, serve: Serve<NodeServeOptions>, secured: Secured | null = null): void {
  const [scheme, otherScheme] = secured === null ? ["http", "https"] : ["https", "http"];
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const servers: Server[] = [];

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    vi.resetAllMocks();
  });

  async function start(handler: Handler): Promise<() => WireClient> {
    const server = await serve(handler, { logger, shutdownTimeoutMs: 2000 });
    servers.push(server);
    return () => new WireClient(server.address, secured?.connect(server.address));
  }

  async function respond(
    response: OutgoingResponse | (() => OutgoingResponse),
    request = get("/", CLOSE),
  ): Promise<string> {
    const connect = await start(() => (typeof response === "function" ? response() : response));
    return connect().send(request).end();
  }

  const status = (received: string) => Number(/^HTTP\/1\.1 (\d{3}) /.exec(received)?.[1]);

  describe(`${name}: an application cannot send`, () => {
    test.each<[string, () => HeaderFields]>([
      ["a value that converts to another string the second time", () => [["x", turncoat()]]],
      ["the same in an array", () => ({ x: [turncoat()] })],
      ["undefined", () => [["x", undefined as unknown as string]]],
      ["null", () => [["x", null as unknown as string]]],
      ["a number", () => [["x", 5 as unknown as string]]],
      ["an array in an array", () => ({ x: [["a", "b"] as unknown as string] })],
      ["a name that is not a string", () => [[turncoat(), "x"]]],
    ])("a field of %s: 500", async (_name, headers) => {
      const received = await respond(() => ({ status: 200, headers: headers(), body: "x" }));
      expect(status(received)).toBe(500);
      expect(received).not.toMatch(/evil/);
    });

    test.each<[string, () => ResponseBody | null]>([
      ["a string", () => "x"],
      ["bytes", () => Buffer.from("x")],
      ["nothing", () => null],
    ])("a 205 has no content, given %s", async (_name, body) => {
      const received = await respond(() => ({ status: 205, body: body() }));
      expect(received).toMatch(/\r\nContent-Length: 0\r\n/i);
      expect(lastContent(received)).toBe("");
    });

    test("a 205 with a stream, which is cancelled unread", async () => {
      const cancelled = Promise.withResolvers<void>();
      const body: AsyncIterable<string> = {
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.resolve({ done: false, value: "x" }),
          return: () => {
            cancelled.resolve();
            return Promise.resolve({ done: true, value: undefined });
          },
        }),
      };
      const received = await respond({ status: 205, body });
      expect(received).toMatch(/\r\nContent-Length: 0\r\n/i);
      expect(received).not.toMatch(/Transfer-Encoding/i);
      expect(lastContent(received)).toBe("");
      await cancelled.promise;
    });

    test("a framing field in a 1xx response", async () => {
      const connect = await start((_request, exchange) => {
        exchange.sendInformational?.(103, { "content-length": "5", "transfer-encoding": "chunked", link: "</a>" });
        return { status: 204 };
      });
      const [informational = ""] = (await connect().send(get("/", CLOSE)).end()).split("\r\n\r\n");
      expect(informational).toBe("HTTP/1.1 103 Early Hints\r\nlink: </a>");
    });

    test("an informational response inside the head of another", async () => {
      const connect = await start((_request, exchange) => ({
        status: 200,
        headers: (function* (): Generator<[string, string]> {
          exchange.sendInformational?.(103, { link: "</a>" });
          yield ["x", "y"];
        })(),
        body: "z",
      }));
      const received = await connect().send(get("/", CLOSE)).end();
      expect(received).toMatch(/^(HTTP\/1\.1 103 Early Hints\r\nlink: <\/a>\r\n\r\n)?HTTP\/1\.1 200 OK\r\nx: y\r\n/);
      expect(lastContent(received)).toBe("z");
    });

    test.each(["content-length", "Transfer-Encoding", "host", "set-cookie2", "x-checksum"])(
      "a trailer for framing, routing or authentication: %s",
      async (trailer) => {
        const received = await respond(() => ({
          status: 200,
          headers: { trailer },
          body: pieces("a"),
          trailers: () => ({ [trailer]: "5" }),
        }));
        const allowed = trailer.startsWith("x-") || trailer === "set-cookie2";
        expect(received.endsWith(`\r\n0\r\n${trailer}: 5\r\n\r\n`)).toBe(allowed);
        if (!allowed) expect(received).not.toMatch(/\r\n0\r\n/);
      },
    );

    test("connection fields, except Upgrade with 426, which adds its Connection option", async () => {
      const upgrade = await respond({ status: 426, headers: { upgrade: "h2c" }, body: "x" });
      expect(upgrade).toMatch(/\r\nupgrade: h2c\r\n/i);
      expect(upgrade).toMatch(/\r\nConnection: ([^\r]*, *)?upgrade[,\r]/i);
      expect(await respond({ status: 400, headers: { upgrade: "h2c" }, body: "x" })).not.toMatch(/upgrade/i);
    });
  });

  describe(`${name}: failures before the head is sent`, () => {
    test("a body that changes between two reads is sent as it was measured", async () => {
      let looked = 0;
      const received = await respond({
        status: 200,
        get body() {
          return looked++ === 0 ? "first" : "second look";
        },
      });
      expect([/Content-Length: (\d+)/i.exec(received)?.[1], lastContent(received)]).toEqual(["5", "first"]);
    });

    test.each<[string, () => ResponseBody | null]>([
      ["throws at once", () => failing()],
      ["yields a value that is not a chunk", () => pieces(null as unknown as string)],
      ["yields a first chunk longer than Content-Length", () => pieces("too long")],
    ])("a body that %s: 500", async (_name, body) => {
      const received = await respond(() => ({ status: 200, headers: { "content-length": "3" }, body: body() }));
      expect(status(received)).toBe(500);
      expect(logger.error).toHaveBeenCalledTimes(1);
    });

    test.each(["then", "status", "headers", "body"])(
      "a response whose `%s` throws becomes 500, and the process continues",
      async (member) => {
        const trap = () => {
          throw new Error(member);
        };
        const connect = await start(() => Object.defineProperty({ status: 200 }, member, { get: trap }));
        expect(status(await connect().send(get("/", CLOSE)).end())).toBe(500);
      },
    );
  });

  describe(`${name}: requests`, () => {
    const tell: Handler = (request) => ({
      status: 200,
      body: `${request.url} ${request.headers.get("host") ?? "none"}`,
    });

    test.each([
      ["//p/x", "p", "//p/x p"],
      ["//http/", "http", "//http/ http"],
      ["//t?q", "t", "//t/?q t"],
      ["//one/", "two", "//one/ one"],
    ])("the absolute form with %s and Host: %s", async (target, host, expected) => {
      const connect = await start(tell);
      const received = await connect()
        .send(`GET ${scheme}:${target} HTTP/1.1\r\nHost: ${host}\r\n${CLOSE}\r\n\r\n`)
        .end();
      expect(lastContent(received)).toBe(`${scheme}:${expected}`);
    });

    test("the absolute form replaces Host, and no other field", async () => {
      const connect = await start(({ headers }) => ({ status: 200, body: JSON.stringify([...headers]) }));
      const received = await connect()
        .send(`GET ${scheme}://b/ HTTP/1.1\r\nX: host\r\nHost: a\r\nY: z\r\n${CLOSE}\r\n\r\n`)
        .end();
      expect(JSON.parse(lastContent(received))).toEqual([
        ["x", "host"],
        ["host", "b"],
        ["y", "z"],
        ["connection", "close"],
      ]);
    });

    test(`a target with the scheme ${otherScheme} is rejected with 421`, async () => {
      const connect = await start(tell);
      expect(status(await connect().send(`GET ${otherScheme}://a/ HTTP/1.1\r\nHost: a\r\n\r\n`).end())).toBe(421);
    });

    test.each([
      ["without Host", "HEAD / HTTP/1.1\r\n\r\n", 400],
      ["with an unknown expectation", "HEAD / HTTP/1.1\r\nHost: a\r\nExpect: x\r\n\r\n", 417],
      ["with too much content", "HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", 413],
      ["for another scheme", `HEAD ${otherScheme}://a/ HTTP/1.1\r\nHost: a\r\n\r\n`, 421],
    ])("HEAD %s is refused without content", async (_name, request, refusal) => {
      const connect = await start(tell);
      const received = await connect().send(request).end();
      expect(status(received)).toBe(refusal);
      expect(received).toMatch(/\r\n\r\n$/);
    });

    test.each(["a:99999", "[....]", "[:::::]", "[12345::1]", "%00", "a%2fb", "1.2.3.999"])(
      "Host: %s is rejected, because no URL can contain it",
      async (host) => {
        const connect = await start(tell);
        expect(status(await connect().send(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`).end())).toBe(400);
      },
    );

    test.each([
      ["an invalid field line", "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX : y\r\n\r\n"],
      ["a chunk without its end", "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n"],
      ["a bare LF", "Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n"],
    ])("content with %s after its response gets no second response, and closes the connection", async (_name, rest) => {
      const connect = await start(tell);
      const client = connect().send("POST /c HTTP/1.1\r\nHost: a\r\n");
      const received = await client.send(rest).send(get("/next")).end();
      expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
    });

    test("content that ends early after its response gets no second response", async () => {
      const connect = await start(tell);
      const client = connect().send("POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
      await client.until("HTTP/1.1 200 OK");
      client.socket.end();
      expect((await client.end()).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
    });

    test("a request after a refused upgrade with content receives a response, or the connection says that it closes", async () => {
      const connect = await start(tell);
      const upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc";
      const client = connect().send(`POST / HTTP/1.1\r\nHost: a\r\n${upgrade}${get("/next", CLOSE)}`);
      const [first = "", second] = (await client.end()).split(/(?=HTTP\/1\.1 )/);
      if (second === undefined) expect(first).toMatch(/\r\nConnection: close\r\n/i);
      else expect(second).toMatch(/\/next test$/);
    });

    test("close takes precedence over keep-alive", async () => {
      const connect = await start(tell);
      const received = await connect().send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive, close\r\n\r\n").end();
      expect(received).not.toMatch(/keep-alive/i);
    });
  });
}

async function* pieces(...given: string[]): AsyncGenerator<string> {
  await Promise.resolve();
  yield* given;
}

// oxlint-disable-next-line require-yield -- it fails before its first chunk
async function* failing(): AsyncGenerator<string> {
  await Promise.resolve();
  throw new Error("no piece");
}
