/** Static files that change while they are served, and the bounds of the memory for them. */
import type { FileHandle } from "node:fs/promises";
import { mkdtemp, open, realpath, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Handler } from "@tsgi/gateway-spec";
import { createTestClient, type TestResponse } from "@tsgi/gateway-spec/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { staticFiles } from "../src/static-files.ts";
import { FileBody } from "../src/static-files/file-body.ts";
import { ResourceMemory } from "../src/static-files/memory.ts";
import { type Folder, openRepresentation, type Representation, type Resource } from "../src/static-files/resource.ts";

/** A date that Last-Modified can have. */
const MODIFIED = new Date("2024-02-03T04:05:06Z");

let root = "";

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "tsgi-changes-"));
});

afterAll(() => rm(root, { recursive: true, force: true }));

afterEach(() => {
  vi.useRealTimers();
});

async function put(name: string, content: string, modified = MODIFIED): Promise<string> {
  const file = join(root, name);
  await writeFile(file, content);
  await utimes(file, modified, modified);
  return file;
}

async function ask(
  handler: Handler,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<TestResponse> {
  await using client = await createTestClient(handler);
  return client.request(target, { headers });
}

const ALWAYS = { revalidateMs: 0 };
const NEVER = { revalidateMs: Number.POSITIVE_INFINITY };

describe("a file", () => {
  test("that replaces another of the same length and modification time is sent", async () => {
    const files = staticFiles(root, ALWAYS);
    const file = await put("replaced.txt", "first");
    expect((await ask(files, "/replaced.txt")).text()).toBe("first");
    await rename(await put("replacement.txt", "other"), file);
    expect((await ask(files, "/replaced.txt")).text()).toBe("other");
  });

  test("that is streamed and has changed since the last look is sent as it is now", async () => {
    const files = staticFiles(root, { ...NEVER, maxMemoryFileBytes: -1 });
    await put("streamed.txt", "first");
    await ask(files, "/streamed.txt");
    await put("streamed.txt", "another one", new Date("2024-03-01T00:00:00Z"));
    const response = await ask(files, "/streamed.txt");
    expect([response.headers.get("content-length"), response.text()]).toEqual(["11", "another one"]);
  });

  test("that was streamed and then removed is not found", async () => {
    const files = staticFiles(root, { ...NEVER, maxMemoryFileBytes: -1 });
    const file = await put("gone.txt", "first");
    await ask(files, "/gone.txt");
    await rm(file);
    expect((await ask(files, "/gone.txt")).status).toBe(404);
  });

  test("outside the folder is not opened through a symbolic link that was created after the last look", async () => {
    const outside = await mkdtemp(join(tmpdir(), "tsgi-outside-"));
    await writeFile(join(outside, "secret.txt"), "secret");
    await symlink(outside, join(root, "swapped"));
    const file = join(await realpath(root), "swapped", "secret.txt");
    const folder = { root: await realpath(root), followSymlinks: false } as Folder;
    const representation = { file, version: await stat(file, { bigint: true }) } as Representation;
    expect(await openRepresentation(folder, representation)).toBeNull();
    const handle = await openRepresentation({ ...folder, followSymlinks: true }, representation);
    expect(handle).not.toBeNull();
    await handle?.close();
    await rm(outside, { recursive: true });
  });

  test("of the same length and time as another has another strong tag, and no date that could be shared", async () => {
    const asked = async (content: string, headers = {}) => {
      await put("release.html", content, new Date(1000));
      const response = await ask(staticFiles(root), "/release.html", headers);
      return { etag: response.headers.get("etag") ?? "", date: response.headers.get("last-modified"), response };
    };
    const first = await asked("app-1111.js");
    const second = await asked("app-2222.js", { "if-none-match": first.etag });
    expect([first.etag, second.etag]).toEqual([expect.stringMatching(/^"/), expect.stringMatching(/^"/)]);
    expect([second.response.status, second.response.text()]).toEqual([200, "app-2222.js"]);
    expect([first.date, second.date]).toEqual([null, null]);
    expect((await asked("app-1111.js")).etag).toBe(first.etag);
  });

  test.each([
    ["changed less than two seconds ago", 1900],
    ["changed in the future", -60_000],
  ])("%s has no Last-Modified", async (_what, ageMs) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    await put("recent.txt", "x", new Date(Date.now() - ageMs));
    expect((await ask(staticFiles(root), "/recent.txt")).headers.get("last-modified")).toBeNull();
  });

  test.each([
    ["Nix and tar", 1, false],
    ["zip", Date.UTC(1980) / 1000, false],
    ["npm", Date.UTC(1985, 9, 26, 8, 15) / 1000, false],
    ["an editor", Date.UTC(1990) / 1000, true],
  ])("with the date that %s gives has Last-Modified: %#", async (_tool, seconds, hasDate) => {
    await put("dated.txt", "x", new Date(seconds * 1000));
    expect((await ask(staticFiles(root), "/dated.txt")).headers.has("last-modified")).toBe(hasDate);
  });

  test("that is streamed gets a strong tag two seconds after its last change", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const files = staticFiles(root, { ...ALWAYS, maxMemoryFileBytes: -1 });
    const file = await put("settling.txt", "x");
    const { ctimeMs } = await stat(file);
    vi.setSystemTime(ctimeMs + 1990);
    expect((await ask(files, "/settling.txt")).headers.get("etag")).toMatch(/^W\//);
    vi.setSystemTime(ctimeMs + 2010);
    expect((await ask(files, "/settling.txt")).headers.get("etag")).toMatch(/^"/);
  });

  test("that changed less than two seconds ago is read again at the next look", async () => {
    const read = vi.spyOn((await fileHandlePrototype()) as { read(): unknown }, "read");
    vi.useFakeTimers({ toFake: ["Date"] });
    const files = staticFiles(root, ALWAYS);
    const file = await put("again.txt", "x");
    const { ctimeMs } = await stat(file);
    const reads = async (atMs: number) => {
      vi.setSystemTime(atMs);
      read.mockClear();
      await ask(files, "/again.txt");
      return read.mock.calls.length;
    };
    expect(await reads(ctimeMs + 1990)).toBe(1);
    expect(await reads(ctimeMs + 1990)).toBe(1);
    expect(await reads(ctimeMs + 2010)).toBe(1);
    expect(await reads(ctimeMs + 2010)).toBe(0);
    read.mockRestore();
  });

  test("has Vary while there is a compressed file beside it", async () => {
    const files = staticFiles(root, ALWAYS);
    await put("varying.js", "x");
    expect((await ask(files, "/varying.js")).headers.get("vary")).toBeNull();
    const compressed = await put("varying.js.gz", "y");
    expect((await ask(files, "/varying.js")).headers.get("vary")).toBe("Accept-Encoding");
    await rm(compressed);
    expect((await ask(files, "/varying.js", { "accept-encoding": "gzip" })).headers.get("vary")).toBeNull();
  });

  test("has the Cache-Control that the function returns now", async () => {
    let cacheControl = "no-store";
    const files = staticFiles(root, { ...ALWAYS, cacheControl: () => cacheControl });
    await put("cached.txt", "x");
    expect((await ask(files, "/cached.txt")).headers.get("cache-control")).toBe("no-store");
    cacheControl = "private";
    expect((await ask(files, "/cached.txt")).headers.get("cache-control")).toBe("private");
  });

  test("that several requests ask for at the same time is looked at once", async () => {
    const cacheControl = vi.fn(() => "no-cache");
    const files = staticFiles(root, { ...ALWAYS, cacheControl });
    await put("asked.txt", "x");
    const exchange = {} as Parameters<Handler>[1];
    const request = {
      method: "GET",
      url: "http://a/asked.txt",
      headers: new Headers(),
    } as unknown as Parameters<Handler>[0];
    await Promise.all(Array.from({ length: 10 }, async () => files(request, exchange)));
    expect(cacheControl).toHaveBeenCalledOnce();
    await files(request, exchange);
    expect(cacheControl).toHaveBeenCalledTimes(2);
  });
});

/** What the handles of node:fs/promises inherit from: its class is not exported. */
async function fileHandlePrototype(): Promise<object> {
  const handle = await open(root, "r");
  await handle.close();
  return Object.getPrototypeOf(handle) as object;
}

describe("the memory of files", () => {
  const ENTRY = 1024;
  const resource = (bytes: number): Resource => ({
    representations: [{ content: new Uint8Array(bytes) } as unknown as Representation],
    checkedAtMs: 0,
  });

  test("keeps no more than its limit, and evicts the oldest entry first", () => {
    const memory = new ResourceMemory(3 * ENTRY);
    for (const path of ["a", "b", "c", "d"]) memory.set(path, resource(0));
    expect(["a", "b", "c", "d"].map((path) => memory.get(path) !== undefined)).toEqual([false, true, true, true]);
  });

  test("passes over an entry once that was used", () => {
    const memory = new ResourceMemory(3 * ENTRY);
    for (const path of ["a", "b", "c"]) memory.set(path, resource(0));
    memory.get("a");
    memory.set("d", resource(0));
    expect(["a", "b", "c", "d"].map((path) => memory.get(path) !== undefined)).toEqual([true, false, true, true]);
  });

  test("counts the bytes of contents, and subtracts them at deletion", () => {
    const memory = new ResourceMemory(2 * ENTRY + 10);
    memory.set("a", resource(10));
    memory.set("b", resource(0));
    expect(memory.get("a")).toBeDefined();
    memory.set("a", resource(0));
    memory.set("b", resource(10));
    expect([memory.get("a"), memory.get("b")].includes(undefined)).toBe(false);
    memory.delete("a");
    memory.set("c", resource(0));
    expect([memory.get("b"), memory.get("c")].includes(undefined)).toBe(false);
  });

  test("does not keep an entry above the limit, and evicts nothing for it", () => {
    const memory = new ResourceMemory(2 * ENTRY);
    memory.set("a", resource(0));
    memory.set("large", resource(2 * ENTRY));
    expect([memory.get("a") !== undefined, memory.get("large")]).toEqual([true, undefined]);
  });
});

describe("a file's body", () => {
  function opened(read: FileHandle["read"]): { readonly handle: FileHandle; readonly close: ReturnType<typeof vi.fn> } {
    const close = vi.fn(() => Promise.resolve());
    return { handle: { read, close } as unknown as FileHandle, close };
  }

  test("closes its file when a read fails", async () => {
    const { handle, close } = opened(() => Promise.reject(new Error("EIO")));
    const body = new FileBody(handle, [{ first: 0, last: 9 }]);
    await expect(body.next()).rejects.toThrow("EIO");
    expect(close).toHaveBeenCalledOnce();
    expect(await body.next()).toEqual({ done: true, value: undefined });
  });

  test("closes its file once, however often it is released", async () => {
    const { handle, close } = opened(() => Promise.reject(new Error("It is not read")));
    const body = new FileBody(handle, [{ first: 0, last: 9 }]);
    await Promise.all([body.return(), body.return(), body.return()]);
    expect(close).toHaveBeenCalledOnce();
  });

  test("goes on after a read that gave fewer bytes than requested", async () => {
    const read = (buffer: Uint8Array, _offset: number, length: number, position: number) => {
      const bytesRead = Math.min(3, length);
      for (let i = 0; i < bytesRead; i++) buffer[i] = position + i;
      return Promise.resolve({ bytesRead, buffer });
    };
    const { handle, close } = opened(read as unknown as FileHandle["read"]);
    const bytes: number[] = [];
    for await (const piece of new FileBody(handle, [
      { first: 2, last: 9 },
      Uint8Array.of(255),
      { first: 0, last: 0 },
    ])) {
      bytes.push(...piece);
    }
    expect(bytes).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 255, 0]);
    expect(close).toHaveBeenCalledOnce();
  });
});
