/** Static files that change under the server's eyes, and the bounds of what it keeps of them. */
import type { FileHandle } from "node:fs/promises";
import { mkdtemp, realpath, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Handler } from "@tsgi/gateway-spec";
import { createTestClient, type TestResponse } from "@tsgi/gateway-spec/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { staticFiles } from "../src/static-files.ts";
import { FileBody } from "../src/static-files/file-body.ts";
import { ResourceMemory } from "../src/static-files/memory.ts";
import { type Folder, openRepresentation, type Representation, type Resource } from "../src/static-files/resource.ts";

/** Long ago, so that the files' tags are strong. */
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
  return client.request("/", { headers, exchange: { target } });
}

const ALWAYS = { revalidateMs: 0 };
const NEVER = { revalidateMs: Number.POSITIVE_INFINITY };

describe("a file", () => {
  test("put in place of another is seen, though length and time are the same", async () => {
    const files = staticFiles(root, ALWAYS);
    const file = await put("replaced.txt", "first");
    expect((await ask(files, "/replaced.txt")).text()).toBe("first");
    await rename(await put("replacement.txt", "other"), file);
    expect((await ask(files, "/replaced.txt")).text()).toBe("other");
  });

  test("that is streamed and was changed since it was looked at goes out as it is now", async () => {
    const files = staticFiles(root, { ...NEVER, maxMemoryFileBytes: -1 });
    await put("streamed.txt", "first");
    await ask(files, "/streamed.txt");
    await put("streamed.txt", "another one", new Date("2024-03-01T00:00:00Z"));
    const response = await ask(files, "/streamed.txt");
    expect([response.headers.get("content-length"), response.text()]).toEqual(["11", "another one"]);
  });

  test("that was streamed and is gone is not found", async () => {
    const files = staticFiles(root, { ...NEVER, maxMemoryFileBytes: -1 });
    const file = await put("gone.txt", "first");
    await ask(files, "/gone.txt");
    await rm(file);
    expect((await ask(files, "/gone.txt")).status).toBe(404);
  });

  test("outside the folder is not opened, though a symbolic link was put in the way after it was looked at", async () => {
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

  test("gets a strong tag when enough time has gone by", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(MODIFIED);
    const files = staticFiles(root, ALWAYS);
    await put("settling.txt", "x");
    expect((await ask(files, "/settling.txt")).headers.get("etag")).toMatch(/^W\//);
    vi.setSystemTime(MODIFIED.getTime() + 2000);
    expect((await ask(files, "/settling.txt")).headers.get("etag")).toMatch(/^"/);
  });

  test("says Vary as soon as a compressed one lies beside it, and no longer than that", async () => {
    const files = staticFiles(root, ALWAYS);
    await put("varying.js", "x");
    expect((await ask(files, "/varying.js")).headers.get("vary")).toBeNull();
    const compressed = await put("varying.js.gz", "y");
    expect((await ask(files, "/varying.js")).headers.get("vary")).toBe("Accept-Encoding");
    await rm(compressed);
    expect((await ask(files, "/varying.js", { "accept-encoding": "gzip" })).headers.get("vary")).toBeNull();
  });

  test("has the Cache-Control that the function gives now", async () => {
    let cacheControl = "no-store";
    const files = staticFiles(root, { ...ALWAYS, cacheControl: () => cacheControl });
    await put("cached.txt", "x");
    expect((await ask(files, "/cached.txt")).headers.get("cache-control")).toBe("no-store");
    cacheControl = "private";
    expect((await ask(files, "/cached.txt")).headers.get("cache-control")).toBe("private");
  });

  test("that many ask for at once is looked at once", async () => {
    const cacheControl = vi.fn(() => "no-cache");
    const files = staticFiles(root, { ...ALWAYS, cacheControl });
    await put("asked.txt", "x");
    const exchange = { target: "/asked.txt" } as Parameters<Handler>[1];
    const request = { method: "GET", headers: new Headers() } as unknown as Parameters<Handler>[0];
    await Promise.all(Array.from({ length: 10 }, async () => files(request, exchange)));
    expect(cacheControl).toHaveBeenCalledOnce();
    await files(request, exchange);
    expect(cacheControl).toHaveBeenCalledTimes(2);
  });
});

describe("the memory of files", () => {
  const ENTRY = 1024;
  const resource = (bytes: number): Resource => ({
    representations: [{ content: new Uint8Array(bytes), body: null } as Representation],
    checkedAtMs: 0,
  });

  test("holds no more than it may, and forgets the oldest first", () => {
    const memory = new ResourceMemory(3 * ENTRY);
    for (const path of ["a", "b", "c", "d"]) memory.set(path, resource(0));
    expect(["a", "b", "c", "d"].map((path) => memory.get(path) !== undefined)).toEqual([false, true, true, true]);
  });

  test("gives a second chance to what was asked for", () => {
    const memory = new ResourceMemory(3 * ENTRY);
    for (const path of ["a", "b", "c"]) memory.set(path, resource(0));
    memory.get("a");
    memory.set("d", resource(0));
    expect(["a", "b", "c", "d"].map((path) => memory.get(path) !== undefined)).toEqual([true, false, true, true]);
  });

  test("counts the bytes of contents, and gives them back", () => {
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

  test("does not forget all others for one that is too large", () => {
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

  test("closes it once, however often it is dropped", async () => {
    const { handle, close } = opened(() => Promise.reject(new Error("It is not read")));
    const body = new FileBody(handle, [{ first: 0, last: 9 }]);
    await Promise.all([body.return(), body.return(), body.return()]);
    expect(close).toHaveBeenCalledOnce();
  });

  test("goes on where a read gave less than was asked for", async () => {
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
