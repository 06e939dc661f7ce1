import { describe, expect, test } from "vitest";
import { BodyError, readBytes, readForm, readJson, readText } from "./body.ts";
import { BodyQueue } from "./server-kit/body-queue.ts";
import { toHeaderView } from "./server-kit/fields.ts";

function request(contentType: string | null, ...pieces: (string | Uint8Array)[]) {
  return {
    headers: toHeaderView(contentType === null ? {} : { "content-type": contentType }),
    body: (async function* () {
      for (const piece of pieces) yield typeof piece === "string" ? new TextEncoder().encode(piece) : piece;
    })(),
  };
}

/** A request whose content has arrived with its head. */
function arrived(contentType: string, content: string) {
  const body = new BodyQueue({ contentOpened: () => {}, contentPulled: () => {} });
  body.push(new TextEncoder().encode(content));
  body.end();
  return { headers: toHeaderView({ "content-type": contentType }), body };
}

async function failure(promise: Promise<unknown>): Promise<readonly [string, number]> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BodyError);
  return [(error as BodyError).code, (error as BodyError).status];
}

describe("readBytes", () => {
  test("joins the pieces of the content", async () => {
    expect(await readBytes(request(null, "ab", "", "c"))).toEqual(new TextEncoder().encode("abc"));
  });

  test("returns an empty array for a request without content", async () => {
    expect(await readBytes({ headers: toHeaderView({}), body: null })).toEqual(new Uint8Array(0));
  });

  test("accepts content of exactly the limit and rejects one more byte", async () => {
    expect((await readBytes(request(null, "abc"), { limitBytes: 3 })).byteLength).toBe(3);
    expect(await failure(readBytes(request(null, "ab", "cd"), { limitBytes: 3 }))).toEqual(["BODY_TOO_LARGE", 413]);
  });

  test("releases the content when it is longer than the limit", async () => {
    let released = false;
    const body = (async function* () {
      try {
        for (;;) yield new Uint8Array(2);
      } finally {
        released = true;
      }
    })();
    expect(await failure(readBytes({ headers: toHeaderView({}), body }, { limitBytes: 3 }))).toEqual([
      "BODY_TOO_LARGE",
      413,
    ]);
    expect(released).toBe(true);
  });

  test("returns a copy, also of a single piece", async () => {
    const piece = new Uint8Array([1, 2]);
    const whole = await readBytes(request(null, piece));
    expect(whole).toEqual(piece);
    expect(whole.buffer).not.toBe(piece.buffer);
  });

  test("rejects a Content-Length beyond the limit before it reads", async () => {
    const body = {
      [Symbol.asyncIterator](): never {
        throw new Error("the body was read");
      },
    };
    const headers = toHeaderView({ "content-length": "4" });
    expect(await failure(readBytes({ headers, body }, { limitBytes: 3 }))).toEqual(["BODY_TOO_LARGE", 413]);
  });
});

describe("readText", () => {
  test.each([
    ["text/plain", "é", "é"],
    ["text/plain; charset=latin1", new Uint8Array([0xe9]), "é"],
    ['text/plain; charset="ISO-8859-1"', new Uint8Array([0xe9]), "é"],
    ["text/plain; Charset=utf-16le", new Uint8Array([0xe9, 0]), "é"],
    [null, "é", "é"],
  ])("decodes %s", async (type, bytes, text) => {
    expect(await readText(request(type, bytes))).toBe(text);
  });

  test("rejects an unknown charset, and bytes that are not valid in the charset", async () => {
    expect(await failure(readText(request("text/plain; charset=klingon", "x")))).toEqual([
      "BODY_UNSUPPORTED_CHARSET",
      415,
    ]);
    expect(await failure(readText(request("text/plain", new Uint8Array([0xff]))))).toEqual(["BODY_MALFORMED", 400]);
  });
});

describe("a Content-Encoding", () => {
  const coded = (coding: string, text = "{}") => ({
    headers: toHeaderView({ "content-type": "application/json", "content-encoding": coding }),
    body: request(null, text).body,
  });

  test.each(["gzip", "br, gzip", "unknown"])("%s is rejected by the readers of text", async (coding) => {
    for (const read of [readText, readJson]) {
      expect(await failure(read(coded(coding)))).toEqual(["BODY_UNSUPPORTED_CODING", 415]);
    }
  });

  test("identity is no coding", async () => {
    expect(await readJson(coded(" Identity "))).toEqual({});
  });

  test("is left to the caller of readBytes, which returns the content as received", async () => {
    expect(Buffer.from(await readBytes(coded("gzip", "coded"))).toString()).toBe("coded");
  });
});

describe("content that has arrived as a whole", () => {
  test("is read by all readers", async () => {
    expect(await readJson(arrived("application/json", '{"a":1}'))).toEqual({ a: 1 });
    expect(await readText(arrived("text/plain", "é"))).toBe("é");
    expect(await readBytes(arrived("text/plain", "ab"))).toEqual(new TextEncoder().encode("ab"));
    expect((await readForm(arrived("application/x-www-form-urlencoded", "a=1"))).get("a")).toBe("1");
  });

  test("has the same limit, and is read once", async () => {
    expect(await failure(readText(arrived("text/plain", "abcd"), { limitBytes: 3 }))).toEqual(["BODY_TOO_LARGE", 413]);
    const request = arrived("text/plain", "abc");
    expect(await readText(request, { limitBytes: 3 })).toBe("abc");
    await expect(readText(request)).rejects.toThrow("it can be read once");
  });
});

describe("readJson and readForm", () => {
  test("read their media types", async () => {
    expect(await readJson(request("application/json", '{"a":', "1}"))).toEqual({ a: 1 });
    expect(await readJson(request("application/problem+json; charset=utf-8", "[]"))).toEqual([]);
    const form = await readForm(request("application/x-www-form-urlencoded", "a=1&b=%E6%B7%BB&a=2"));
    expect([...form]).toEqual([
      ["a", "1"],
      ["b", "添"],
      ["a", "2"],
    ]);
  });

  test("reject other media types and malformed content", async () => {
    expect(await failure(readJson(request("text/plain", "{}")))).toEqual(["BODY_UNSUPPORTED_TYPE", 415]);
    expect(await failure(readJson(request("application/json", "{")))).toEqual(["BODY_MALFORMED", 400]);
    expect(await failure(readForm(request(null, "a=1")))).toEqual(["BODY_UNSUPPORTED_TYPE", 415]);
  });
});
