import { once } from "node:events";
import { Readable } from "node:stream";
import { describe, expect, test, vi } from "vitest";
import { accessLog, noteRoute, requestIdOf, type AccessLogOptions, type AccessRecord } from "./access-log.ts";
import type { Handler } from "./index.ts";
import { createTestClient, type TestRequest } from "./testing.ts";

const ok: Handler = () => ({ status: 200, body: "涨" });

/** Sends one request, and gives the lines that were written for it. */
async function lines(handler: Handler, request: TestRequest = {}, options: AccessLogOptions = {}, target = "/a?b=1") {
  const written: string[] = [];
  const logged = accessLog({ write: (line) => void written.push(line), ...options })(handler);
  {
    await using client = await createTestClient(logged);
    await client.request(target, request).catch(() => undefined);
  }
  return written;
}

async function record(handler: Handler, request: TestRequest = {}): Promise<AccessRecord> {
  const [line = "{}"] = await lines(handler, request, { format: "json" });
  return JSON.parse(line) as AccessRecord;
}

const latin1 = (text: string) => Buffer.from(text).toString("latin1");

describe("the combined format", () => {
  test("has the fields of Apache's", async () => {
    const headers = { referer: "http://x.example/", "user-agent": "curl/8" };
    expect(await lines(ok, { method: "POST", headers })).toEqual([
      expect.stringMatching(
        /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "POST \/a\?b=1 HTTP\/1\.1" 200 3 "http:\/\/x\.example\/" "curl\/8"$/,
      ),
    ]);
  });

  test("keeps UTF-8 readable, and escapes quotes, backslashes and controls", async () => {
    const [line] = await lines(ok, { headers: { "user-agent": latin1('浏览器 "x" \\ \u0085\u2028') } });
    expect(line).toMatch(/"浏览器 \\"x\\" \\\\ \\x85\\x2028"$/);
  });

  test("leaves bytes that are no UTF-8 as Latin-1", async () => {
    expect((await lines(ok, { headers: { "user-agent": "caf\u00e9" } }))[0]).toMatch(/"café"$/);
  });
});

describe("the JSON format", () => {
  test("has every member of the record", async () => {
    expect(await record(ok, { headers: { "user-agent": latin1("浏览器") } })).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as string,
      id: expect.stringMatching(/^[\da-f-]{36}$/) as string,
      remote: "127.0.0.1",
      method: "GET",
      target: "/a?b=1",
      protocol: "HTTP/1.1",
      route: null,
      status: 200,
      bytes: 3,
      durationMs: expect.any(Number) as number,
      referer: null,
      userAgent: "浏览器",
      failure: null,
    });
  });

  test("escapes every control character, and line separators", async () => {
    const [line = ""] = await lines(
      ok,
      { headers: { "user-agent": latin1("a\u007f\u009b\u2028\tb") } },
      { format: "json" },
    );
    expect(line).toContain(String.raw`"a\u007f\u009b\u2028\tb"`);
    expect(JSON.parse(line)).toMatchObject({ userAgent: "a\u007f\u009b\u2028\tb" });
  });

  test("names the route that a framework has noted", async () => {
    const handler: Handler = (request, exchange) => {
      noteRoute(exchange, "/users/:id");
      return ok(request, exchange);
    };
    expect((await record(handler)).route).toBe("/users/:id");
  });
});

test.each([
  ["text", "涨跌", 6],
  ["bytes", Uint8Array.of(1, 2), 2],
  [
    "an async iterable",
    (async function* () {
      yield "涨";
      yield Uint8Array.of(1);
    })(),
    4,
  ],
  ["a ReadableStream", new Blob(["12345"]).stream(), 5],
  ["a Node stream", Readable.from(["12", "3"]), 3],
  ["no content", null, 0],
])("counts the bytes of %s", async (_title, body, bytes) => {
  expect((await record(() => ({ status: 200, body }))).bytes).toBe(bytes);
});

test("leaves what is no response to the server, which names the mistake", async () => {
  const forgetful = (() => undefined) as unknown as Handler;
  await using client = await createTestClient(accessLog({ write: () => undefined })(forgetful));
  await expect(client.request("/a")).rejects.toThrow("The handler of GET /a returned undefined");
});

test("an error of `write` or of the format is reported, and ends neither the exchange nor the process", async () => {
  const reported = vi.spyOn(console, "error").mockReturnValue();
  const full = new Error("no space left");
  const options: AccessLogOptions = {
    write: () => {
      throw full;
    },
  };
  {
    await using client = await createTestClient(accessLog(options)(ok));
    expect((await client.request("/")).status).toBe(200);
  }
  expect(reported.mock.calls).toEqual([["A line of the access log could not be written:", full]]);
  reported.mockRestore();
});

test("logs a handler that throws with 500 and the failure's code", async () => {
  const failing = await record(() => {
    throw new Error("no");
  });
  expect([failing.status, failing.failure]).toEqual([500, "RESPONSE_FAILED"]);
});

test("logs a client that disconnects with the status of the response and the failure's code", async () => {
  const gone = new AbortController();
  const endless = async function* () {
    yield "first";
    gone.abort();
    await new Promise(() => undefined);
  };
  const failed = await record(() => ({ status: 206, body: endless() }), { signal: gone.signal });
  expect([failed.status, failed.failure]).toEqual([206, "CLIENT_DISCONNECTED"]);
});

test("returns the source at once where the response is dropped while a piece is pending", async () => {
  const returned = Promise.withResolvers<undefined>();
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => undefined),
      return: () => {
        returned.resolve(undefined);
        return Promise.resolve({ done: true as const, value: undefined });
      },
    }),
  };
  const response = await accessLog({ write: () => undefined })(() => ({ status: 200, body: source }))(
    new Request("http://test.localhost/"),
    { completed: new Promise(() => undefined) } as never,
  );
  const iterator = (response.body as AsyncIterable<string>)[Symbol.asyncIterator]();
  void iterator.next();
  void iterator.return?.();
  await returned.promise;
});

test.each(["HEAD", "GET"])("closes a Node stream whose response to %s is dropped", async (method) => {
  const stream = new Readable({ read: () => undefined });
  const closed = once(stream, "close");
  const gone = new AbortController();
  const handler: Handler = () => {
    setImmediate(() => {
      gone.abort();
    });
    return { status: 200, body: stream };
  };
  await lines(handler, { method, signal: gone.signal });
  await closed;
});

describe("the request id", () => {
  async function idOf(given: string | null, options: AccessLogOptions) {
    const handler: Handler = (_request, exchange) => ({ status: 200, body: requestIdOf(exchange) });
    await using client = await createTestClient(accessLog({ write: () => undefined, ...options })(handler));
    const response = await client.request("/", { headers: given === null ? {} : { "x-request-id": given } });
    expect(response.headers.get("x-request-id")).toBe(response.text());
    return response.text();
  }

  test("is the same in the handler, the response and the log, and new for each request", async () => {
    expect(await idOf(null, {})).not.toBe(await idOf(null, {}));
  });

  test("is the client's own only where the option says so, and only in a safe form", async () => {
    expect(await idOf("from-proxy:1", {})).not.toBe("from-proxy:1");
    expect(await idOf("from-proxy:1", { acceptRequestId: true })).toBe("from-proxy:1");
    expect(await idOf('a "b"', { acceptRequestId: true })).not.toContain('"');
    expect(await idOf("x".repeat(129), { acceptRequestId: true })).not.toContain("xxx");
  });
});

test("leaves the 101 of a WebSocket as it is", () => {
  const response = { status: 101 };
  const handler = accessLog({ write: () => undefined })(() => response);
  expect(handler(new Request("http://x/"), { completed: new Promise(() => undefined) } as never)).toBe(response);
});
