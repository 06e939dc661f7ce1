import { once } from "node:events";
import { Readable } from "node:stream";
import * as zlib from "node:zlib";
import type { Handler, OutgoingResponse } from "@tsgi/gateway-spec";
import { createTestClient, type TestRequest } from "@tsgi/gateway-spec/testing";
import { describe, expect, test } from "vitest";
import { chooseCoding, compression, type CompressionOptions } from "./compression.ts";

const TEXT = "涨跌 up and down ".repeat(200);
const BYTES = Buffer.from(TEXT);
const text = (headers: Readonly<Record<string, string>> = {}): OutgoingResponse => ({
  status: 200,
  headers: { "content-type": "text/plain; charset=utf-8", ...headers },
  body: TEXT,
});

interface Request extends TestRequest {
  readonly headers?: Readonly<Record<string, string>>;
}

async function get(handler: Handler, request: Request = {}, options?: CompressionOptions, target = "/") {
  await using client = await createTestClient(compression(options)(handler));
  return client.request(target, { ...request, headers: { "accept-encoding": "gzip", ...request.headers } });
}

const DECODERS = {
  gzip: zlib.gunzipSync,
  br: zlib.brotliDecompressSync,
  ...(typeof zlib.zstdDecompressSync === "function" ? { zstd: zlib.zstdDecompressSync } : {}),
} as const;

describe.each(Object.entries(DECODERS))("the coding %s", (coding, decode) => {
  const headers = { "accept-encoding": coding };

  test("compresses text, and says so in Content-Encoding and Vary", async () => {
    const response = await get(() => text({ "content-length": String(BYTES.length) }), { headers });
    expect(response.headers.get("content-encoding")).toBe(coding);
    expect(response.headers.get("vary")).toBe("Accept-Encoding");
    expect(response.headers.get("content-length")).not.toBe(String(BYTES.length));
    expect(response.body.byteLength).toBeLessThan(BYTES.length / 4);
    expect(decode(response.body).toString()).toBe(TEXT);
  });

  test.each([
    [
      "an async generator",
      async function* () {
        yield TEXT.slice(0, 50);
        yield Buffer.from(TEXT.slice(50));
      },
    ],
    ["a ReadableStream", () => new Blob([TEXT]).stream()],
    ["a Node stream", () => Readable.from([BYTES])],
  ])("compresses %s piece by piece", async (_title, body) => {
    const response = await get(() => ({ ...text(), body: body() }), { headers });
    expect(decode(response.body).toString()).toBe(TEXT);
  });

  test("gives the first piece out before the second one is made", async () => {
    const secondWanted = Promise.withResolvers<undefined>();
    const handler = compression({ minBytes: 0 })(() => ({
      ...text(),
      body: (async function* () {
        yield "first";
        await secondWanted.promise;
        yield "second";
      })(),
    }));
    let firstBytes = 0;
    const seen: Handler = async (request, exchange) => {
      const response = await handler(request, exchange);
      const body = response.body as AsyncIterable<Uint8Array>;
      return {
        ...response,
        body: (async function* () {
          for await (const piece of body) {
            firstBytes += piece.byteLength;
            secondWanted.resolve(undefined);
            yield piece;
          }
        })(),
      };
    };
    await using client = await createTestClient(seen);
    const response = await client.request("/", { headers });
    expect(firstBytes).toBeGreaterThan(0);
    expect(decode(response.body).toString()).toBe("firstsecond");
  });
});

describe("compression", () => {
  test.each([
    ["short content", () => ({ ...text(), body: "short" })],
    ["an image", () => text({ "content-type": "image/png" })],
    ["content that is compressed already", () => text({ "content-encoding": "br" })],
    ["an event stream", () => text({ "content-type": "text/event-stream" })],
    ["content with Cache-Control: no-transform", () => text({ "cache-control": "public, no-transform" })],
    ["a part of a file", () => ({ ...text({ "content-range": "bytes 0-9/10" }), status: 206 })],
    ["a response without a type", () => ({ status: 200, body: TEXT })],
    ["204 No Content", () => ({ status: 204, headers: { "content-type": "text/plain" }, body: null })],
  ])("leaves %s as it is", async (_title, handler) => {
    const given: OutgoingResponse = handler();
    const response = await get(handler);
    expect(response.headers.get("vary")).toBeNull();
    expect(response.body.byteLength).toBe(Buffer.byteLength((given.body as string | null) ?? ""));
  });

  test.each([["cookie"], ["authorization"]])(
    "does not compress a response to input beside the credential %s",
    async (name) => {
      const request = { headers: { [name]: "secret" } };
      expect((await get(() => text(), request, {}, "/?q=guess")).headers.get("content-encoding")).toBeNull();
      expect(
        (await get(() => text(), { ...request, method: "POST", body: "guess" })).headers.get("content-encoding"),
      ).toBeNull();
      expect((await get(() => text(), request)).headers.get("content-encoding")).toBe("gzip");
      const options = { compressPrivate: true };
      expect((await get(() => text(), request, options, "/?q=guess")).headers.get("content-encoding")).toBe("gzip");
    },
  );

  test("weakens a strong entity tag of what it compresses", async () => {
    expect((await get(() => text({ etag: '"a"' }))).headers.get("etag")).toBe('W/"a"');
    expect((await get(() => text({ etag: 'W/"a"' }))).headers.get("etag")).toBe('W/"a"');
  });

  test("keeps the names that Vary has already", async () => {
    expect((await get(() => text({ vary: "Origin" }))).headers.get("vary")).toBe("Origin, Accept-Encoding");
    expect((await get(() => text({ vary: "*" }))).headers.get("vary")).toBe("*");
  });

  test("closes a Node stream where the client leaves", async () => {
    const gone = new AbortController();
    const stream = new Readable({
      read() {
        this.push(BYTES);
        gone.abort();
      },
    });
    const closed = once(stream, "close");
    await expect(get(() => ({ ...text(), body: stream }), { signal: gone.signal })).rejects.toThrow();
    await closed;
  });

  test("a source that fails makes the response fail", async () => {
    const body = async function* () {
      yield TEXT;
      throw new Error("disk gone");
    };
    await expect(get(() => ({ ...text(), body: body() }))).rejects.toThrow("disk gone");
  });
});

describe("chooseCoding", () => {
  test.each([
    [null, null],
    ["", null],
    ["gzip", "gzip"],
    ["x-gzip", "gzip"],
    ["gzip, br", "br"],
    ["gzip;q=1, br;q=0.5", "gzip"],
    ["GZIP;Q=0.5", "gzip"],
    ["*", "br"],
    ["*;q=0.5, br;q=0", "gzip"],
    ["br;q=0, gzip;q=0", null],
    ["identity;q=1, gzip;q=0.5", null],
    ["deflate", null],
    ["gzip;q=nonsense", null],
  ] as const)("for Accept-Encoding %j it chooses %j", (field, coding) => {
    expect(chooseCoding(field, ["br", "gzip"])).toBe(coding);
  });
});
