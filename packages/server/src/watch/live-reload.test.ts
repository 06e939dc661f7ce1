import * as zlib from "node:zlib";
import type { Exchange, Handler, IncomingRequest, OutgoingResponse } from "@tsgi/gateway-spec";
import { toHeaderView } from "@tsgi/gateway-spec/server-kit";
import { createTestClient, type TestRequest } from "@tsgi/gateway-spec/testing";
import { describe, expect, test, vi } from "vitest";
import { LiveReload } from "./live-reload.ts";

const SCRIPT = '<script src="/.tsgi/reload.js" data-version="v1"></script>\n';
const NAVIGATION: TestRequest = { headers: { "sec-fetch-dest": "document" } };
const HTML = { "content-type": "text/html; charset=utf-8" };

async function request(handler: Handler, options: TestRequest = NAVIGATION, target = "/") {
  await using client = await createTestClient(new LiveReload("v1").wrap(handler));
  return client.request(target, options);
}

function respondWith(response: OutgoingResponse): Handler {
  return () => response;
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<string> {
  for (const text of texts) yield text;
}

describe("the script stands at the end of a page", () => {
  test.each<[string, () => OutgoingResponse]>([
    ["a string", () => ({ status: 200, headers: HTML, body: "<p>é" })],
    ["bytes", () => ({ status: 200, headers: HTML, body: Buffer.from("<p>é") })],
    ["pieces", () => ({ status: 200, headers: HTML, body: pieces("<p>", "é") })],
    ["a web Response", () => new Response("<p>é", { headers: HTML })],
    ["an error page", () => ({ status: 404, headers: HTML, body: "<p>é" })],
    ["fields in an iterator", () => ({ status: 200, headers: Object.entries(HTML).values(), body: "<p>é" })],
    ["a type in upper case", () => ({ status: 200, headers: { "Content-Type": "TEXT/HTML" }, body: "<p>é" })],
    ["gzip", () => ({ status: 200, headers: { ...HTML, "content-encoding": "gzip" }, body: zlib.gzipSync("<p>é") })],
    [
      "br",
      () => ({ status: 200, headers: { ...HTML, "content-encoding": "BR" }, body: zlib.brotliCompressSync("<p>é") }),
    ],
    [
      "deflate, in pieces",
      () => ({
        status: 200,
        headers: { ...HTML, "content-encoding": "deflate" },
        body: (async function* () {
          for (const byte of zlib.deflateSync("<p>é")) yield Uint8Array.of(byte);
        })(),
      }),
    ],
  ])("of %s", async (_what, respond) => {
    const response = await request(async () => respond());
    expect(response.text()).toBe(`<p>é${SCRIPT}`);
    expect(response.headers.has("content-encoding")).toBe(false);
  });

  test("with the nonce of the page's policy", async () => {
    const headers = { ...HTML, "content-security-policy": "script-src 'nonce-n1'" };
    expect((await request(respondWith({ status: 200, headers, body: "" }))).text()).toBe(
      SCRIPT.replace("></", ' nonce="n1"></'),
    );
  });

  test("and fields that describe the text without it are left out", async () => {
    const headers = { ...HTML, "content-length": "3", etag: '"e"', "last-modified": "x", "set-cookie": ["a=1", "b=2"] };
    const response = await request(respondWith({ status: 200, headers, body: "<p>" }));
    expect([...response.headers]).toEqual([
      ["content-type", HTML["content-type"]],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
  });

  test.each([
    ["localhost", { "sec-fetch-dest": "iframe" }],
    ["another host", { accept: "text/html,*/*" }],
  ])("where a browser navigates on %s", async (_where, headers) => {
    expect((await request(respondWith({ status: 200, headers: HTML, body: "" }), { headers })).text()).toBe(SCRIPT);
  });
});

describe("a response stays as it is", () => {
  test.each<[string, OutgoingResponse]>([
    ["text", { status: 200, headers: { "content-type": "text/plain" }, body: "<p>" }],
    ["XHTML", { status: 200, headers: { "content-type": "application/xhtml+xml" }, body: "<p>" }],
    ["UTF-16", { status: 200, headers: { "content-type": 'text/html; charset="UTF-16LE"' }, body: "<p>" }],
    ["without a type", { status: 200, body: "<p>" }],
    ["a part", { status: 206, headers: { ...HTML, "content-range": "bytes 0-2/9" }, body: "<p>" }],
    ["an unknown coding", { status: 200, headers: { ...HTML, "content-encoding": "x" }, body: "<p>" }],
    [
      "a policy without scripts",
      { status: 200, headers: { ...HTML, "content-security-policy": "script-src 'none'" }, body: "<p>" },
    ],
  ])("that is %s", async (_what, response) => {
    const received = await request(respondWith(response));
    expect([received.text(), [...received.headers]]).toEqual(["<p>", [...toHeaderView(response.headers)]]);
  });

  test.each([
    ["a program", {}],
    ["a script", { headers: { "sec-fetch-dest": "empty", accept: "text/html" } }],
    ["a script on another host", { headers: { "x-requested-with": "XMLHttpRequest", accept: "text/html" } }],
    ["a form", { ...NAVIGATION, method: "POST" }],
  ])("for %s", async (_who, options: TestRequest) => {
    expect((await request(respondWith({ status: 200, headers: HTML, body: "<p>" }), options)).text()).toBe("<p>");
  });

  test("without content", async () => {
    const response = await request(respondWith({ status: 304, headers: { ...HTML, etag: '"e"' }, body: null }));
    expect([response.status, response.text(), response.headers.get("etag")]).toEqual([304, "", '"e"']);
  });

  test("that is no response, and the server reports it", async () => {
    await expect(request((() => undefined) as unknown as Handler)).rejects.toThrow();
    await expect(
      request(() => {
        throw new RangeError("of the handler");
      }),
    ).rejects.toThrow("of the handler");
  });
});

test("a body in pieces is released at once where the client leaves, also while a piece is awaited", async () => {
  const released = vi.fn(() => Promise.resolve({ done: true as const, value: undefined }));
  const never = new Promise<never>(() => undefined);
  const body = { [Symbol.asyncIterator]: () => ({ next: () => never, return: released }) };
  const wrapped = new LiveReload("v1").wrap(respondWith({ status: 200, headers: HTML, body }));
  const response = (await wrapped(fakeRequest("/"), fakeExchange())) as OutgoingResponse & {
    readonly body: AsyncIterable<string>;
  };
  const iterator = response.body[Symbol.asyncIterator]();
  void iterator.next();
  await iterator.return?.();
  expect(released).toHaveBeenCalledOnce();
});

function fakeRequest(target: string): IncomingRequest {
  const headers = toHeaderView({ "sec-fetch-dest": "document" });
  return { method: "GET", url: `http://test.localhost${target}`, headers } as IncomingRequest;
}

function fakeExchange(completed: Promise<void> = Promise.resolve()): Exchange {
  return { completed, draining: new AbortController().signal } as Exchange;
}

/** The next event of a stream, as text. */
async function listen(reload: LiveReload, shown: string) {
  const response = (await reload.wrap(() => ({ status: 404 }))(
    fakeRequest(`/.tsgi/reload?${shown}`),
    fakeExchange(),
  )) as OutgoingResponse & { readonly body: AsyncIterable<string> };
  const events = response.body[Symbol.asyncIterator]();
  return { next: async () => String((await events.next()).value), end: () => events.return?.() };
}

describe("the event stream", () => {
  test("names the style sheets that have changed, or asks to reload", async () => {
    const reload = new LiveReload("v1");
    const stream = await listen(reload, "v1");
    expect(await stream.next()).toBe("retry: 200\n\n");
    reload.update({ kind: "files-changed", version: "v2", styles: ["a.css"] });
    expect(await stream.next()).toBe('event: styles\ndata: {"version":"v2","styles":["a.css"]}\n\n');
    const next = stream.next();
    reload.update({ kind: "files-changed", version: "v3", styles: null });
    expect(await next).toBe("event: reload\ndata: v3\n\n");
    await stream.end();
  });

  test("asks a page of an earlier version to reload", async () => {
    const stream = await listen(new LiveReload("v2"), "v1");
    await stream.next();
    expect(await stream.next()).toBe("event: reload\ndata: v2\n\n");
    await stream.end();
  });
});

describe("a restart", () => {
  test("waits a moment for requests on their way, and a second for those that run", async () => {
    const reload = new LiveReload("v1");
    const completed = Promise.withResolvers<void>();
    expect(reload.shutdownTimeoutMs).toBe(300);
    await reload.wrap(() => ({ status: 200 }))(fakeRequest("/"), fakeExchange(completed.promise));
    expect(reload.shutdownTimeoutMs).toBe(1000);
    completed.resolve();
    await completed.promise;
    await Promise.resolve();
    expect(reload.shutdownTimeoutMs).toBe(300);
  });

  test("waits no longer for an event stream", async () => {
    const reload = new LiveReload("v1");
    const headers = { "content-type": "text/event-stream" };
    await reload.wrap(() => ({ status: 200, headers, body: "" }))(
      fakeRequest("/"),
      fakeExchange(new Promise(() => undefined)),
    );
    expect(reload.shutdownTimeoutMs).toBe(300);
  });
});
