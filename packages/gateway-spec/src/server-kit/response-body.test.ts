import { once } from "node:events";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import type { ResponseBody } from "../index.ts";
import { byteLength, cancelBody, cancelResponse, openBody } from "./response-body.ts";

describe("a node stream as a body", () => {
  test("is closed where it is released before its first pull", async () => {
    const stream = createReadStream(import.meta.filename);
    cancelBody(stream, new Error("no content"));
    await once(stream, "close");
    expect(stream.destroyed).toBe(true);
  });

  test("is closed where a pull waits", async () => {
    const stream = new Readable({ read: () => undefined });
    const source = openBody(stream);
    const pull = source.next().catch((error: unknown) => error);
    source.cancel(new Error("gone"));
    await once(stream, "close");
    await pull;
  });

  test("does not end the process where it fails after its release", async () => {
    const stream = createReadStream("/nowhere/there-is-no-such-file");
    cancelBody(stream, new Error("no content"));
    await new Promise((resolve) => stream.on("close", resolve));
    const late = new Readable({ read: () => undefined });
    openBody(late).cancel(new Error("gone"));
    late.emit("error", new Error("the disk is gone"));
  });

  test("gives its error to the pull", async () => {
    const source = openBody(createReadStream("/nowhere/there-is-no-such-file"));
    await expect(source.next()).rejects.toMatchObject({ code: "ENOENT" });
  });
});

test("a web stream that waits is cancelled with the reason", async () => {
  const reason = new Error("gone");
  const cancelled = Promise.withResolvers<unknown>();
  const source = openBody(new ReadableStream<Uint8Array>({ cancel: cancelled.resolve }));
  void source.next();
  source.cancel(reason);
  expect(await cancelled.promise).toBe(reason);
});

test.each([
  [["a"], "not an array"],
  [42, "not the number 42"],
  [new Map(), "not an object of class Map"],
  [{ text: "a" }, "not an object"],
])("%j is refused as a body", (body, message) => {
  expect(() => openBody(body as unknown as AsyncIterable<string>)).toThrow(message);
});

test.each<[string, () => unknown]>([
  ["a locked stream", () => ({ body: lockedStream() })],
  ["a body whose return() throws", () => ({ body: throwing() })],
  ["no body", () => ({ body: 42 })],
  [
    "a response whose body cannot be read",
    () => ({
      get body() {
        throw new Error("no");
      },
    }),
  ],
  ["no response", () => undefined],
])("the release of %s is quiet", (_what, response) => {
  cancelResponse(response(), new Error("gone"));
});

function lockedStream(): ResponseBody {
  const stream = new ReadableStream<Uint8Array>();
  stream.getReader();
  return stream;
}

function throwing(): ResponseBody {
  const fail = () => {
    throw new Error("cannot be released");
  };
  return { [Symbol.asyncIterator]: () => ({ next: fail, return: fail }) };
}

test.each(["", "a", "é".repeat(3), "é".repeat(100), "a".repeat(100)])(
  "the length of %j is that of its UTF-8",
  (text) => {
    expect(byteLength(text)).toBe(new TextEncoder().encode(text).byteLength);
  },
);
