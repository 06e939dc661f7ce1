import { openSync, readSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { DEFAULT_BODY_LIMIT_BYTES } from "../../body.ts";
import type { OutgoingResponse } from "../../index.ts";
import { createTestClient, type TestRequest, type TestResponse } from "../../testing.ts";
import {
  type Environ,
  InputStream,
  type StartResponse,
  wsgi,
  type WsgiApplication,
  type WsgiFunction,
  type WsgiOptions,
  type WsgiResponse,
} from "./index.ts";

async function call(
  application: WsgiApplication,
  target = "/",
  request: TestRequest = {},
  options?: WsgiOptions,
): Promise<TestResponse> {
  await using client = await createTestClient(wsgi(application, options));
  return client.request(target, request);
}

const ok = (startResponse: StartResponse) => startResponse("200 OK", [["Content-Type", "text/plain"]]);
/** An application that announces a Content-Length. */
const withLength =
  (bytes: number, body: () => WsgiResponse): WsgiFunction =>
  (_environ, startResponse) => {
    startResponse("200 OK", [["Content-Length", String(bytes)]]);
    return body();
  };
const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const close = vi.fn();
beforeEach(() => close.mockClear());

describe("the environ", () => {
  async function environOf(target: string, request?: TestRequest): Promise<Environ> {
    let seen: Environ | undefined;
    await call(
      (environ, startResponse) => {
        seen = environ;
        ok(startResponse);
        return [];
      },
      target,
      request,
    );
    return seen as Environ;
  }

  test("has every variable of PEP 3333 with its value", async () => {
    const environ = await environOf("/a%20b/%E8%82%A1%2F?x=%31&y", {
      method: "POST",
      headers: [
        ["Content-Type", "text/plain"],
        ["X-Many", "1"],
        ["X-Many", "2"],
        ["Cookie", "a=1"],
        ["Cookie", "b=2"],
      ],
      body: "content",
      exchange: { localAddress: { transport: "tcp", hostname: "192.0.2.9", port: 8080 } },
    });
    expect(environ).toMatchObject({
      REQUEST_METHOD: "POST",
      SCRIPT_NAME: "",
      PATH_INFO: "/a b/\u00e8\u0082\u00a1/",
      QUERY_STRING: "x=%31&y",
      CONTENT_TYPE: "text/plain",
      CONTENT_LENGTH: "7",
      SERVER_NAME: "192.0.2.9",
      SERVER_PORT: "8080",
      SERVER_PROTOCOL: "HTTP/1.1",
      REMOTE_ADDR: "127.0.0.1",
      REMOTE_PORT: "50000",
      HTTP_HOST: "test.localhost",
      HTTP_X_MANY: "1, 2",
      HTTP_COOKIE: "a=1; b=2",
      "wsgi.version": [1, 0],
      "wsgi.url_scheme": "http",
      "wsgi.multithread": false,
      "wsgi.multiprocess": true,
      "wsgi.run_once": false,
    });
    expect(Buffer.from(environ.PATH_INFO, "latin1").toString()).toBe("/a b/股/");
    expect(environ["tsgi.exchange"].target).toBe("/a%20b/%E8%82%A1%2F?x=%31&y");
  });

  test("omits what the request lacks, names with an underscore, and Proxy", async () => {
    const environ = await environOf("/", { headers: { x_a: "forged", proxy: "http://evil.test" } });
    expect(Object.keys(environ).filter((name) => /^(CONTENT|HTTP)_/.test(name))).toEqual(["HTTP_HOST"]);
    expect(environ.QUERY_STRING).toBe("");
  });

  test("has the scheme and its default port", async () => {
    const environ = await environOf("https://a.test/", { exchange: { encrypted: true, localAddress: null } });
    expect([environ["wsgi.url_scheme"], environ.SERVER_NAME, environ.SERVER_PORT]).toEqual(["https", "a.test", "443"]);
  });

  test("passes what is written to wsgi.errors to writeError", async () => {
    const lines: string[] = [];
    await call(
      (environ, startResponse) => {
        environ["wsgi.errors"].write("one\n");
        environ["wsgi.errors"].writelines(["two\n", "three\n"]);
        environ["wsgi.errors"].flush();
        ok(startResponse);
        return [];
      },
      "/",
      {},
      { writeError: (text) => void lines.push(text) },
    );
    expect(lines).toEqual(["one\n", "two\n", "three\n"]);
  });

  test("rejects content beyond limitBytes before it calls the application", async () => {
    const application = vi.fn<WsgiApplication>();
    const refused = call(application, "/", { method: "POST", body: "12345" }, { limitBytes: 4 });
    await expect(refused).rejects.toMatchObject({ code: "BODY_TOO_LARGE", status: 413 });
    expect(application).not.toHaveBeenCalled();
  });

  test("leaves a Content-Encoding to the application", async () => {
    const environ = await environOf("/", { method: "POST", body: "coded", headers: { "content-encoding": "gzip" } });
    expect([environ["HTTP_CONTENT_ENCODING"], environ["wsgi.input"].read().toString()]).toEqual(["gzip", "coded"]);
  });

  test("has no limit of its own for content: the limit is the server's", async () => {
    const body = Buffer.alloc(DEFAULT_BODY_LIMIT_BYTES + 1);
    const environ = await environOf("/", { method: "POST", body });
    expect(environ["wsgi.input"].read().byteLength).toBe(body.byteLength);
  });
});

describe("wsgi.input", () => {
  const open = () => new InputStream(Buffer.from("one\ntwo\n\nlast"));
  test.each<[string, (input: InputStream) => readonly Uint8Array[], string[]]>([
    ["read()", (input) => [input.read(), input.read()], ["one\ntwo\n\nlast", ""]],
    ["read(n)", (input) => [input.read(5), input.read(0), input.read(99)], ["one\nt", "", "wo\n\nlast"]],
    ["readline()", (input) => [1, 2, 3, 4, 5].map(() => input.readline()), ["one\n", "two\n", "\n", "last", ""]],
    ["readline(n)", (input) => [input.readline(2), input.readline(9)], ["on", "e\n"]],
    ["readlines()", (input) => input.readlines(), ["one\n", "two\n", "\n", "last"]],
    ["readlines(hint)", (input) => input.readlines(5), ["one\n", "two\n"]],
    ["a loop over it", (input) => [...input], ["one\n", "two\n", "\n", "last"]],
  ])("is read by %s", (_name, read, expected) => {
    expect(read(open()).map(latin1)).toEqual(expected);
  });

  test("returns Buffers, whose text is UTF-8", () => {
    expect(new InputStream(new TextEncoder().encode("name=股票")).read().toString()).toBe("name=股票");
  });
});

class Page implements WsgiResponse {
  readonly #environ: Environ;
  readonly #startResponse: StartResponse;

  constructor(environ: Environ, startResponse: StartResponse) {
    this.#environ = environ;
    this.#startResponse = startResponse;
  }

  *[Symbol.iterator](): Generator<string> {
    ok(this.#startResponse);
    yield this.#environ.PATH_INFO;
    yield "!";
  }
}

describe("startResponse and the body", () => {
  test("sends the status, the header lines and the pieces of a list", async () => {
    const response = await call((_environ, startResponse) => {
      startResponse("201 Created", [
        ["Content-Type", "text/html"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=\u00c3\u00a0"],
      ]);
      return ["<p>你", Buffer.from("好</p>")];
    });
    expect([response.status, response.text()]).toEqual([201, "<p>你好</p>"]);
    expect([...response.headers]).toEqual([
      ["content-type", "text/html"],
      ["set-cookie", "a=1"],
      // The bytes of "à" in UTF-8. The second one is a no-break space in ISO-8859-1, which is not white space of HTTP.
      ["set-cookie", "b=\u00c3\u00a0"],
    ]);
  });

  test.each<[string, WsgiApplication, string]>([
    [
      "write, and pieces after it",
      (_environ, startResponse) => {
        const write = ok(startResponse);
        write("a");
        write(Buffer.from("b"));
        return ["c"];
      },
      "abc",
    ],
    [
      "a generator that starts its response at the first step, after empty pieces",
      function* (_environ, startResponse) {
        yield "";
        ok(startResponse);
        yield "a";
        yield "b";
      },
      "ab",
    ],
    [
      "an error page in place of a head that was not sent",
      (_environ, startResponse) => {
        ok(startResponse);
        startResponse("500 Oops", [], [Error, new Error("page"), null]);
        return ["oops"];
      },
      "oops",
    ],
    [
      "an empty list",
      (_environ, startResponse) => {
        ok(startResponse);
        return [];
      },
      "",
    ],
    ["a string, as UTF-8", (_environ, startResponse) => (ok(startResponse), "<h1>你好</h1>"), "<h1>你好</h1>"],
    ["bytes", (_environ, startResponse) => (ok(startResponse), Buffer.from("bytes")), "bytes"],
    ["the pieces of a class's instance", Page, "/!"],
    ["a list up to its Content-Length", withLength(3, () => ["ab", "cd", "ef"]), "abc"],
    ["nothing of a body with Content-Length 0", withLength(0, () => ["ab"]), ""],
  ])("sends %s", async (_name, application, body) => {
    expect((await call(application)).text()).toBe(body);
  });

  test("a list becomes a whole body, and a generator a body in pieces", async () => {
    const bodyOf = async (response: WsgiApplication): Promise<OutgoingResponse["body"]> => {
      let body: OutgoingResponse["body"];
      await using client = await createTestClient({
        fetch: async (request, exchange) => {
          const outgoing = await wsgi(response).fetch(request, exchange);
          ({ body } = outgoing);
          return outgoing;
        },
      });
      await client.request("/");
      return body;
    };
    const list = (_environ: Environ, startResponse: StartResponse) => {
      ok(startResponse);
      return ["a", "b"];
    };
    expect(await bodyOf(list)).toEqual(Buffer.from("ab"));
    expect(
      await bodyOf(function* (environ, startResponse) {
        yield* list(environ, startResponse);
      }),
    ).not.toBeInstanceOf(Uint8Array);
  });

  test.each<[string, WsgiApplication, string]>([
    ["no call of startResponse", () => ["a"], "must call startResponse before the first piece"],
    [
      "a call after the first piece",
      function* (_environ, startResponse) {
        yield "early";
        ok(startResponse);
      },
      "must call startResponse before the first piece",
    ],
    [
      "a second call",
      (_environ, startResponse) => {
        ok(startResponse);
        ok(startResponse);
        return [];
      },
      "only a call with excInfo may replace the first head",
    ],
    [
      "excInfo after write",
      (_environ, startResponse) => {
        ok(startResponse)("sent");
        startResponse("500 Oops", [], new Error("the first error"));
        return [];
      },
      "the first error",
    ],
    [
      "more bytes from write than the Content-Length",
      (_environ, startResponse) => {
        const write = startResponse("200 OK", [["Content-Length", "2"]]);
        write("ab");
        write("c");
        return [];
      },
      "more bytes than the Content-Length of 2",
    ],
    ["an object as the body", (_environ, startResponse) => (ok(startResponse), {} as WsgiResponse), "not an object"],
    ["no body", (_environ, startResponse) => (ok(startResponse), undefined as unknown as string), "not undefined"],
    [
      "an asynchronous application",
      (async (_environ: Environ, startResponse: StartResponse) => (ok(startResponse), [])) as unknown as WsgiFunction,
      "cannot be asynchronous",
    ],
    [
      "a number in the body",
      (_environ, startResponse) => (ok(startResponse), [1] as unknown as string[]),
      "not the number 1",
    ],
  ])("%s is an error", async (_name, application, message) => {
    await expect(call(application)).rejects.toThrow(message);
  });

  test.each<[string, readonly unknown[], string]>([
    ["a status without a reason", ["200", []], "such as \"200 OK\", not '200'"],
    ["a number as the status", [200, []], 'such as "200 OK", not 200'],
    ["a status of an informational response", ["103 Early Hints", []], "from 200 to 599"],
    ["a record of headers", ["200 OK", { "Content-Type": "text/html" }], 'such as [["Content-Type", "text/html"]]'],
    [
      "a flat list of headers",
      ["200 OK", ["Content-Type", "text/html"]],
      "write [ [ 'Content-Type', 'text/html' ] ], not [ 'Content-Type', 'text/html' ]",
    ],
    ["a header of one item", ["200 OK", [["Content-Type"]]], "each header must be a pair"],
    [
      "a header name with a space",
      ["200 OK", [["Content Type", "a"]]],
      "'Content Type' is not the name of a header field",
    ],
    ["a number as a value", ["200 OK", [["Content-Length", 12]]], 'must be a string, such as "12", not 12'],
    ["a value with a line break", ["200 OK", [["X-A", "a\r\nX-B: b"]]], "without control characters"],
    ["a value beyond ISO-8859-1", ["200 OK", [["X-A", "股"]]], "ISO-8859-1"],
    ["a bigint as a value", ["200 OK", [["X-A", 1n]]], "must be a string, not 1n"],
    ["a value with a space around it", ["200 OK", [["X-A", "a "]]], "surrounding white space"],
    ["a field of the connection", ["200 OK", [["Connection", "close"]]], "leave out Connection"],
    [
      "two lengths",
      [
        "200 OK",
        [
          ["Content-Length", "1"],
          ["content-length", "2"],
        ],
      ],
      "one decimal number",
    ],
    ["a length that is no number", ["200 OK", [["Content-Length", "many"]]], "one decimal number"],
  ])("%s is an error of the call of startResponse", async (_name, given, message) => {
    let error: unknown;
    const response = await call((_environ, startResponse) => {
      try {
        startResponse(...(given as unknown as Parameters<StartResponse>));
      } catch (thrown) {
        error = thrown;
      }
      ok(startResponse);
      return ["the page"];
    });
    expect(error).toBeInstanceOf(TypeError);
    expect((error as TypeError).message).toContain(message);
    expect(response.text()).toBe("the page");
  });

  test("an endless generator stops at the Content-Length, and is closed", async () => {
    const ended = vi.fn();
    const response = await call(
      withLength(5, function* endless() {
        try {
          for (;;) yield "ab";
        } finally {
          ended();
        }
      }),
    );
    expect([response.text(), ended.mock.calls.length]).toEqual(["ababa", 1]);
  });

  test("an error passed as excInfo after the first piece fails the body", async () => {
    const sending = call(function* (_environ, startResponse) {
      ok(startResponse);
      yield "first";
      startResponse("500 Oops", [], [Error, new Error("late"), null]);
    });
    await expect(sending).rejects.toThrow("late");
  });
});

describe("wsgi.file_wrapper", () => {
  test("sends a file by its descriptor, in blocks, and closes it", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "tsgi-wsgi-")), "file");
    await writeFile(path, "0123456789");
    let fd = -1;
    const response = await call((environ, startResponse) => {
      ok(startResponse);
      fd = openSync(path, "r");
      return environ["wsgi.file_wrapper"](fd, 4);
    });
    expect(response.text()).toBe("0123456789");
    expect(() => readSync(fd, Buffer.alloc(1))).toThrow("EBADF");
    await rm(dirname(path), { recursive: true });
  });

  test("sends what an object's read returns, and calls its close", async () => {
    const file = { read: new InputStream(Buffer.from("content")), sizes: [] as number[] };
    const response = await call((environ, startResponse) => {
      ok(startResponse);
      const read = (size: number) => {
        file.sizes.push(size);
        return file.read.read(size);
      };
      return environ["wsgi.file_wrapper"]({ read, close }, 5);
    });
    expect([response.text(), file.sizes, close.mock.calls.length]).toEqual(["content", [5, 5, 5], 1]);
  });
});

test("an application that is not a function is an error of wsgi", () => {
  expect(() => wsgi({} as WsgiApplication)).toThrow("must be a function or a class, not object");
});

describe("close()", () => {
  const closing =
    (pieces: () => Iterable<string>, status = "200 OK"): WsgiApplication =>
    (_environ, startResponse) => {
      startResponse(status, []);
      return { [Symbol.iterator]: () => pieces()[Symbol.iterator](), close };
    };
  const failing = (...before: string[]) =>
    function* () {
      yield* before;
      throw new Error("piece");
    };

  const endless = function* () {
    for (;;) yield "piece";
  };

  test.each<[string, WsgiApplication, TestRequest, boolean]>([
    ["the end", closing(() => ["a", "b"]), {}, true],
    ["HEAD", closing(() => ["a"]), { method: "HEAD" }, true],
    ["HEAD of a generator that never ends", closing(endless), { method: "HEAD" }, true],
    ["a 304", closing(() => ["a"], "304 Not Modified"), {}, true],
    ["nothing to send", closing(() => []), {}, true],
    ["an error before the first piece", closing(failing()), {}, false],
    ["an error after the first piece", closing(failing("a")), {}, false],
    ["no startResponse", () => ({ [Symbol.iterator]: () => ["a"].values(), close }), {}, false],
  ])("is called once at %s", async (_name, application, request, succeeds) => {
    const outcome = await call(application, "/", request).then(
      () => true,
      () => false,
    );
    expect([outcome, close.mock.calls.length]).toEqual([succeeds, 1]);
  });

  test("is called when the client disconnects, and the generator is ended", async () => {
    const ended = vi.fn();
    const application = closing(function* () {
      try {
        for (;;) yield "piece";
      } finally {
        ended();
      }
    });
    await using client = await createTestClient({
      fetch: async (request, exchange) => {
        const { body } = await wsgi(application).fetch(request, exchange);
        // What a server does when its client has disconnected.
        const pieces = (body as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
        await pieces.next();
        expect(close).not.toHaveBeenCalled();
        await pieces.return?.();
        await pieces.return?.();
        return { status: 200 };
      },
    });
    await client.request("/");
    expect([close.mock.calls.length, ended.mock.calls.length]).toEqual([1, 1]);
  });
});
