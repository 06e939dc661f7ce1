import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, gunzipSync, gzipSync, brotliDecompressSync } from "node:zlib";
import type { Handler } from "@tsgi/gateway-spec";
import { createTestClient, type TestResponse } from "@tsgi/gateway-spec/testing";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { staticFiles, type StaticFilesOptions } from "./static-files.ts";

/** A date that Last-Modified can have. */
const MODIFIED = new Date("2024-02-03T04:05:06Z");
const LAST_MODIFIED = "Sat, 03 Feb 2024 04:05:06 GMT";
const LARGE = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251));
const SCRIPT = "export const total = 42;\n".repeat(20);

let folder = "";
let root = "";

beforeAll(async () => {
  // A later date, so that the files count as settled.
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
  folder = await mkdtemp(join(tmpdir(), "tsgi-static-"));
  root = join(folder, "public");
  await mkdir(join(root, "docs", "empty"), { recursive: true });
  await mkdir(join(root, "docs", "sub"));
  await put("docs/sub/index.html", "<h1>sub</h1>");
  await mkdir(join(root, ".git"));
  await mkdir(join(root, ".well-known"));
  await put("index.html", "<h1>home</h1>");
  await put("docs/index.html", "<h1>docs</h1>");
  await put("plain.txt", "0123456789");
  await put("empty.txt", "");
  await put("股票 1.css", "a{}");
  await put("data.json", "{}");
  await put("icon.svg", "<svg/>");
  await put("noextension", "?");
  await put("large.bin", LARGE);
  await put("app.js", SCRIPT);
  await put("app.js.gz", gzipSync(SCRIPT));
  await put("app.js.br", brotliCompressSync(SCRIPT));
  await put("old.js", SCRIPT);
  await put("old.js.gz", gzipSync("older"), new Date("2024-01-01T00:00:00Z"));
  await put(".env", "SECRET");
  await put(".git/config", "SECRET");
  await put(".well-known/security.txt", "Contact");
  await writeFile(join(folder, "secret.txt"), "SECRET");
  await symlink(join(folder, "secret.txt"), join(root, "link.txt"));
  await symlink(join(root, "docs"), join(root, "linked"));
  await symlink(join(root, "nowhere"), join(root, "dangling"));
  await symlink(root, join(folder, "current"));
  execFileSync("mkfifo", [join(root, "pipe")]);
});

afterAll(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

async function put(name: string, content: string | Uint8Array, modified = MODIFIED): Promise<string> {
  const file = join(root, name);
  await writeFile(file, content);
  await utimes(file, modified, modified);
  return file;
}

/** Requests the target as it is written here: a URL of the test client would have no dot segments. */
async function ask(
  handler: Handler,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Promise<TestResponse> {
  const url = target.startsWith("/") ? `http://test.localhost${target}` : target;
  const asWritten: Handler = ({ headers, body, signal }, exchange) =>
    handler({ method, url, headers, body, signal }, exchange);
  await using client = await createTestClient(asWritten);
  return client.request("/", { method, headers });
}

function get(target: string, headers?: Readonly<Record<string, string>>, options?: StaticFilesOptions) {
  return ask(staticFiles(root, options), target, headers);
}

// Responses from memory and streamed responses are alike: each case runs both ways.
const STORAGE = [
  ["in memory", {}],
  ["streamed", { maxMemoryFileBytes: -1 }],
] as const;

describe.each(STORAGE)("a file %s", (_name, options) => {
  test("is sent with its validators, its length and its type", async () => {
    const response = await get("/plain.txt?v=1", {}, options);
    expect(response.status).toBe(200);
    expect(response.text()).toBe("0123456789");
    expect(Object.fromEntries(response.headers)).toEqual({
      "content-type": "text/plain; charset=utf-8",
      "content-length": "10",
      etag: expect.stringMatching(/^"[0-9A-Za-z_-]{22,}"$/) as string,
      "last-modified": LAST_MODIFIED,
      "cache-control": "no-cache",
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
    });
  });

  test("of many pieces arrives complete", async () => {
    const response = await get("/large.bin", {}, options);
    expect(response.headers.get("content-length")).toBe("200000");
    expect(Buffer.compare(response.body, LARGE)).toBe(0);
  });

  test("may be empty", async () => {
    const response = await get("/empty.txt", { range: "bytes=0-" }, options);
    expect([response.status, response.headers.get("content-length"), response.text()]).toEqual([200, "0", ""]);
  });

  test("gives HEAD the fields of GET and no content", async () => {
    const got = await get("/plain.txt", {}, options);
    const head = await ask(staticFiles(root, options), "/plain.txt", { range: "bytes=0-1" }, "HEAD");
    expect([head.status, [...head.headers], head.body.byteLength]).toEqual([200, [...got.headers], 0]);
  });

  test("is not sent again to a client that has it", async () => {
    const { headers } = await get("/plain.txt", {}, options);
    const response = await get("/plain.txt", { "if-none-match": headers.get("etag") ?? "" }, options);
    expect([response.status, response.body.byteLength]).toEqual([304, 0]);
    expect(Object.fromEntries(response.headers)).toEqual({
      etag: headers.get("etag"),
      "last-modified": LAST_MODIFIED,
      "cache-control": "no-cache",
    });
    expect((await get("/plain.txt", { "if-modified-since": LAST_MODIFIED }, options)).status).toBe(304);
  });

  test("gives 412 if a precondition fails", async () => {
    expect((await get("/plain.txt", { "if-match": '"x"' }, options)).status).toBe(412);
  });

  test.each([
    ["bytes=0-3", "0123", "bytes 0-3/10"],
    ["bytes=-3", "789", "bytes 7-9/10"],
    ["bytes=8-", "89", "bytes 8-9/10"],
    ["bytes=0-2,2-4", "01234", "bytes 0-4/10"],
  ])("sends the one range %s", async (range, text, contentRange) => {
    const response = await get("/plain.txt", { range }, options);
    expect([response.status, response.text()]).toEqual([206, text]);
    expect(response.headers.get("content-range")).toBe(contentRange);
    expect(response.headers.get("content-length")).toBe(String(text.length));
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  });

  test("sends several ranges as parts, in the requested order", async () => {
    const response = await get("/plain.txt", { range: "bytes=7-8,0-1" }, options);
    const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(response.headers.get("content-type") ?? "")?.[1];
    expect(response.status).toBe(206);
    expect(response.headers.has("content-range")).toBe(false);
    expect(response.headers.get("content-length")).toBe(String(response.body.byteLength));
    expect(response.text().split("\r\n")).toEqual([
      `--${boundary}`,
      "Content-Type: text/plain; charset=utf-8",
      "Content-Range: bytes 7-8/10",
      "",
      "78",
      `--${boundary}`,
      "Content-Type: text/plain; charset=utf-8",
      "Content-Range: bytes 0-1/10",
      "",
      "01",
      `--${boundary}--`,
      "",
    ]);
  });

  test("refuses a range that begins after its end, and ignores an invalid one", async () => {
    const response = await get("/plain.txt", { range: "bytes=10-" }, options);
    expect([response.status, response.headers.get("content-range")]).toEqual([416, "bytes */10"]);
    expect((await get("/plain.txt", { range: "bytes=5-4" }, options)).status).toBe(200);
  });

  test("sends a range only of the version that If-Range names", async () => {
    const etag = (await get("/plain.txt", {}, options)).headers.get("etag") ?? "";
    const statusWith = async (ifRange: string) =>
      (await get("/plain.txt", { range: "bytes=0-1", "if-range": ifRange }, options)).status;
    expect(await statusWith(etag)).toBe(206);
    expect(await statusWith(LAST_MODIFIED)).toBe(200);
    expect(await statusWith('"other"')).toBe(200);
  });

  test.each([
    ["br, gzip", "br", brotliDecompressSync],
    ["gzip", "gzip", gunzipSync],
    ["br;q=0, gzip;q=0.5", "gzip", gunzipSync],
  ])("is sent compressed for Accept-Encoding: %s", async (accepted, coding, decompress) => {
    const plain = await get("/app.js", {}, options);
    expect([plain.headers.get("content-encoding"), plain.headers.get("vary")]).toEqual([null, "Accept-Encoding"]);
    const response = await get("/app.js", { "accept-encoding": accepted }, options);
    expect(response.headers.get("content-encoding")).toBe(coding);
    expect(response.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("vary")).toBe("Accept-Encoding");
    expect(response.headers.get("content-length")).toBe(String(response.body.byteLength));
    expect(decompress(response.body).toString()).toBe(SCRIPT);
    const etag = response.headers.get("etag") ?? "";
    expect(etag).not.toBe(plain.headers.get("etag"));
    const again = await get("/app.js", { "accept-encoding": accepted, "if-none-match": etag }, options);
    expect([again.status, again.headers.get("vary")]).toEqual([304, "Accept-Encoding"]);
    expect((await get("/app.js", { "if-none-match": etag }, options)).status).toBe(200);
  });

  test("is sent as it was written last", async () => {
    const handler = staticFiles(root, { ...options, revalidateMs: 0 });
    await put("changing.txt", "first");
    const first = await ask(handler, "/changing.txt");
    await put("changing.txt", "other", new Date("2024-03-01T00:00:00Z"));
    const second = await ask(handler, "/changing.txt");
    expect([first.text(), second.text()]).toEqual(["first", "other"]);
    expect(second.headers.get("etag")).not.toBe(first.headers.get("etag"));
    await rename(join(root, "changing.txt"), join(root, "renamed.txt"));
    expect((await ask(handler, "/changing.txt")).status).toBe(404);
  });
});

describe("names", () => {
  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/docs/", "text/html; charset=utf-8"],
    ["/%E8%82%A1%E7%A5%A8%201.css", "text/css; charset=utf-8"],
    ["/data.json", "application/json; charset=utf-8"],
    ["/icon.svg", "image/svg+xml"],
    ["/noextension", "application/octet-stream"],
    ["/app.js.gz", "application/gzip"],
    ["/.well-known/security.txt", "text/plain; charset=utf-8"],
    ["http://test.localhost/data.json", "application/json; charset=utf-8"],
  ])("%s is %s", async (target, type) => {
    const response = await get(target);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, type]);
  });

  test.each([
    ["nothing there", "/nothing.txt", 404],
    ["a file as a folder", "/plain.txt/", 404],
    ["below a file", "/plain.txt/x", 404],
    ["a folder without index", "/docs/empty/", 404],
    ["the same without slash", "/docs/empty", 404],
    ["a dot file", "/.env", 404],
    ["a file in a dot folder", "/.git/config", 404],
    ["a symbolic link", "/link.txt", 404],
    ["a file behind a linked folder", "/linked/index.html", 404],
    ["a linked folder", "/linked", 404],
    ["a dangling link", "/dangling", 404],
    ["a named pipe", "/pipe", 404],
    ["a very long name", `/${"a".repeat(5000)}`, 404],
    ["out of the folder", "/../secret.txt", 400],
    ["out of the folder, encoded", "/%2e%2e/secret.txt", 400],
    ["out of the folder, slash encoded", "/..%2fsecret.txt", 400],
    ["out of the folder, by backslash", "/..%5csecret.txt", 400],
    ["NUL", "/plain.txt%00.html", 400],
    ["a second slash, which could begin an authority", "//evil.example/docs", 404],
  ])("refuses %s", async (_name, target, status) => {
    const response = await get(target);
    expect(response.status).toBe(status);
    expect(response.text()).not.toContain("SECRET");
    expect(response.text()).not.toContain(root);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  });

  test.each([
    ["/docs", "./docs/"],
    ["/docs?a=//b", "./docs/?a=//b"],
    ["/%64ocs", "./%64ocs/"],
    ["/docs/sub", "./sub/"],
  ])("sends %s to %s", async (target, location) => {
    const response = await get(target);
    expect([response.status, response.headers.get("location")]).toEqual([308, location]);
  });

  test.each(["POST", "PUT", "DELETE", "OPTIONS", "get"])("%s is not allowed", async (method) => {
    const response = await ask(staticFiles(root), "/plain.txt", {}, method);
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });
});

describe("options", () => {
  test("prefix", async () => {
    const options = { prefix: "/static/" };
    expect((await get("/static/plain.txt", {}, options)).text()).toBe("0123456789");
    expect((await get("/static/", {}, options)).text()).toBe("<h1>home</h1>");
    expect((await get("/plain.txt", {}, options)).status).toBe(404);
    expect(() => staticFiles(root, { prefix: "/static" })).toThrow('"/static"');
  });

  test("index", async () => {
    expect((await get("/", {}, { index: "plain.txt" })).text()).toBe("0123456789");
    expect((await get("/", {}, { index: false })).status).toBe(404);
    expect((await get("/docs", {}, { index: false })).status).toBe(404);
  });

  test("cacheControl, for all or by path", async () => {
    const cacheControl = (path: string) => (path.startsWith("/docs/") ? "no-store" : "max-age=60");
    expect((await get("/docs/", {}, { cacheControl })).headers.get("cache-control")).toBe("no-store");
    expect((await get("/plain.txt", {}, { cacheControl })).headers.get("cache-control")).toBe("max-age=60");
    expect((await get("/", {}, { cacheControl: "private" })).headers.get("cache-control")).toBe("private");
  });

  test("dotFiles", async () => {
    expect((await get("/.env", {}, { dotFiles: true })).text()).toBe("SECRET");
  });

  test("followSymlinks", async () => {
    expect((await get("/link.txt", {}, { followSymlinks: true })).text()).toBe("SECRET");
    expect((await get("/dangling", {}, { followSymlinks: true })).status).toBe(404);
  });

  test("precompressed", async () => {
    const response = await get("/app.js", { "accept-encoding": "br" }, { precompressed: false });
    expect([response.headers.has("content-encoding"), response.headers.has("vary")]).toEqual([false, false]);
  });

  test("a compressed file that is older than its original is ignored", async () => {
    expect((await get("/old.js", { "accept-encoding": "gzip" })).text()).toBe(SCRIPT);
  });

  test("the root may be a symbolic link or a URL, and must be a folder", async () => {
    expect((await ask(staticFiles(join(folder, "current")), "/plain.txt")).status).toBe(200);
    expect((await ask(staticFiles(pathToFileURL(root)), "/plain.txt")).status).toBe(200);
    expect(() => staticFiles(join(folder, "missing"))).toThrow("there is no such folder");
    expect(() => staticFiles(join(root, "plain.txt"))).toThrow("it is not a folder");
  });
});

describe("a listing", () => {
  const options = { listing: true };

  test("has the names of a folder without index, escaped, and no dot file or symbolic link", async () => {
    await mkdir(join(root, "list", "sub folder"), { recursive: true });
    for (const name of ["a&b <i>.txt", 'quote".txt', "scheme:x", "100%", ".hidden", "back\\slash"]) {
      await put(`list/${name}`, "");
    }
    await symlink(join(folder, "secret.txt"), join(root, "list", "link"));
    const response = await get("/list/", {}, options);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(response.headers.get("content-security-policy")).toBe("default-src 'none'");
    expect([...response.text().matchAll(/<li>(.*)<\/li>/g)].map(([, item]) => item)).toEqual([
      '<a href="../">../</a>',
      '<a href="./100%25">100%</a>',
      '<a href="./a%26b%20%3Ci%3E.txt">a&amp;b &lt;i&gt;.txt</a>',
      '<a href="./quote%22.txt">quote&quot;.txt</a>',
      '<a href="./scheme%3Ax">scheme:x</a>',
      '<a href="./sub%20folder/">sub folder/</a>',
    ]);
    for (const href of ["/list/100%25", "/list/a%26b%20%3Ci%3E.txt", "/list/sub%20folder/"]) {
      expect((await get(href, {}, options)).status).toBe(200);
    }
  });

  test("has no link out of the folder", async () => {
    expect((await get("/files/docs/empty/", {}, { ...options, prefix: "/files/" })).text()).toContain('"../"');
    const response = await get("/files/", {}, { ...options, prefix: "/files/", index: false });
    expect(response.text()).toContain("<h1>Index of /files/</h1>");
    expect(response.text()).not.toContain('"../"');
  });

  test("does not replace an index, and redirects a folder without the slash", async () => {
    expect((await get("/docs/", {}, options)).text()).toBe("<h1>docs</h1>");
    const response = await get("/docs/empty", {}, options);
    expect([response.status, response.headers.get("location")]).toEqual([308, "./empty/"]);
  });

  test.each(["/.git/", "/linked/", "/plain.txt/", "/nothing/"])("is refused for %s", async (target) => {
    expect((await get(target, {}, options)).status).toBe(404);
  });
});

describe("memory", () => {
  test("gives a known file in the same tick, with the same header fields and bytes", async () => {
    const handler = staticFiles(root, { revalidateMs: Number.POSITIVE_INFINITY });
    const responses: unknown[] = [];
    const spied: Handler = (request, exchange) => {
      const response = handler(request, exchange);
      responses.push(response);
      return response;
    };
    for (let i = 0; i < 3; i++) expect((await ask(spied, "/plain.txt")).status).toBe(200);
    expect(responses[0]).toBeInstanceOf(Promise);
    expect(responses[1]).not.toBeInstanceOf(Promise);
    const [, second, third] = responses as { headers: object; body: object }[];
    expect(third?.headers).toBe(second?.headers);
    expect(third?.body).toBe(second?.body);
    expect(third).not.toBe(second);
  });

  test("is bounded, and files that do not fit are served without it", async () => {
    const handler = staticFiles(root, { maxMemoryBytes: 3000, revalidateMs: Number.POSITIVE_INFINITY });
    for (const round of [1, 2, 3]) {
      for (const name of ["plain.txt", "data.json", "docs/index.html", "large.bin"]) {
        expect((await ask(handler, `/${name}`)).status, `${name}, round ${round}`).toBe(200);
      }
    }
  });
});

describe("a file that is being streamed", () => {
  test("and becomes shorter fails, so that the client sees an incomplete response", async () => {
    const file = await put("shrinking.bin", LARGE);
    const files = staticFiles(root);
    const streamed = staticFiles(root, { maxMemoryFileBytes: 0 });
    const shrinking: Handler = async (request, exchange) => {
      const response = await streamed(request, exchange);
      await truncate(file, 140_000);
      return response;
    };
    await expect(ask(shrinking, "/shrinking.bin")).rejects.toThrow("shorter");
    expect((await ask(files, "/shrinking.bin")).body.byteLength).toBe(140_000);
  });

  test("and grows is sent up to its length at the start", async () => {
    const file = await put("growing.bin", LARGE);
    const streamed = staticFiles(root, { maxMemoryFileBytes: 0 });
    const growing: Handler = async (request, exchange) => {
      const response = await streamed(request, exchange);
      await writeFile(file, "more", { flag: "a" });
      return response;
    };
    expect((await ask(growing, "/growing.bin")).body.byteLength).toBe(200_000);
  });

  test("is closed when its body is released before or between two reads", async () => {
    const streamed = staticFiles(root, { maxMemoryFileBytes: 0 });
    for (const pulls of [0, 1]) {
      const dropping: Handler = async (request, exchange) => {
        const { body } = await streamed(request, exchange);
        const iterator = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
        for (let i = 0; i < pulls; i++) expect((await iterator.next()).done).toBe(false);
        await iterator.return?.();
        expect(await iterator.next()).toEqual({ done: true, value: undefined });
        return { status: 204 };
      };
      expect((await ask(dropping, "/large.bin")).status).toBe(204);
    }
  });
});
