import { once } from "node:events";
import { createReadStream } from "node:fs";
import type { Handler } from "@tsgi/gateway-spec";
import { createTestClient, type TestRequest } from "@tsgi/gateway-spec/testing";
import { describe, expect, test } from "vitest";
import { compression } from "./compression.ts";
import { cacheControl, conditional } from "./conditional.ts";

async function send(handler: Handler, request: TestRequest = {}) {
  await using client = await createTestClient(handler);
  return client.request("/", request);
}
const page: Handler = () => ({
  status: 200,
  headers: { "content-type": "text/plain", "cache-control": "private" },
  body: "hello",
});

describe("conditional", () => {
  test("gives content at hand an entity tag that depends on its bytes alone", async () => {
    const [text, bytes, other] = await Promise.all([
      send(conditional()(page)),
      send(conditional()(() => ({ status: 200, body: Buffer.from("hello") }))),
      send(conditional()(() => ({ status: 200, body: "hello!" }))),
    ]);
    expect(text.headers.get("etag")).toMatch(/^"[\w-]{27}"$/);
    expect(bytes.headers.get("etag")).toBe(text.headers.get("etag"));
    expect(other.headers.get("etag")).not.toBe(text.headers.get("etag"));
  });

  test.each(["GET", "HEAD"])("sends 304 without content to %s with the same tag", async (method) => {
    const etag = (await send(conditional()(page))).headers.get("etag") ?? "";
    for (const field of [etag, `W/${etag}`, `"x", ${etag}`, "*"]) {
      const response = await send(conditional()(page), { method, headers: { "if-none-match": field } });
      expect([field, response.status, response.body.byteLength]).toEqual([field, 304, 0]);
      expect(response.headers.get("cache-control")).toBe("private");
      expect(response.headers.get("content-type")).toBeNull();
    }
  });

  test.each([
    ["POST", 200, page],
    ["GET", 404, () => ({ status: 404, body: "hello" })],
    ["GET", 200, () => ({ status: 200, headers: { "cache-control": "no-store" }, body: "hello" })],
  ] as const)(
    "does not make %s with status %i conditional where that has no meaning",
    async (method, status, handler) => {
      const response = await send(conditional()(handler), { method, headers: { "if-none-match": "*" } });
      expect([response.status, response.headers.get("etag")]).toEqual([status, null]);
    },
  );

  test.each([
    ["Wed, 25 Nov 2026 10:00:00 GMT", 304],
    ["Wed, 25 Nov 2026 10:00:01 GMT", 304],
    ["Wed, 25 Nov 2026 09:59:59 GMT", 200],
    ["2026-11-26", 200],
    ["nonsense", 200],
  ])("compares If-Modified-Since %j with the response's Last-Modified", async (since, status) => {
    const handler: Handler = () => ({
      status: 200,
      headers: { "last-modified": "Wed, 25 Nov 2026 10:00:00 GMT" },
      body: "hello",
    });
    expect((await send(conditional()(handler), { headers: { "if-modified-since": since } })).status).toBe(status);
    const both = { "if-modified-since": since, "if-none-match": '"other"' };
    expect((await send(conditional()(handler), { headers: both })).status).toBe(200);
  });

  test("releases a body that a 304 does not send", async () => {
    const file = createReadStream(new URL(import.meta.url));
    const handler: Handler = () => ({ status: 200, headers: { etag: '"a"' }, body: file });
    const closed = once(file, "close");
    expect((await send(conditional()(handler), { headers: { "if-none-match": '"a"' } })).status).toBe(304);
    await closed;
  });

  test("works inside and outside of compression", async () => {
    const long: Handler = () => ({
      status: 200,
      headers: { "content-type": "text/plain" },
      body: "hello ".repeat(500),
    });
    for (const handler of [compression()(conditional()(long)), conditional()(compression()(long))]) {
      const headers = { "accept-encoding": "gzip" };
      const etag = (await send(handler, { headers })).headers.get("etag") ?? "";
      const again = await send(handler, { headers: { ...headers, "if-none-match": etag } });
      expect([again.status, again.headers.get("vary")]).toEqual([304, "Accept-Encoding"]);
    }
  });
});

test.each([
  ["no-store", "no-store"],
  [{}, "private, no-cache"],
  [
    { scope: "public", maxAgeSeconds: 60, staleWhileRevalidateSeconds: 30 },
    "public, max-age=60, stale-while-revalidate=30",
  ],
  [{ scope: "public", maxAgeSeconds: 31_536_000, immutable: true }, "public, max-age=31536000, immutable"],
] as const)("cacheControl(%j) is %j", (options, expected) => {
  expect(cacheControl(options)).toBe(expected);
});
