import { beforeEach, describe, expect, test, vi } from "vitest";
import type { OutgoingResponse } from "../../index.ts";
import { createTestClient, type TestRequest, type TestResponse } from "../../testing.ts";
import {
  type Environ,
  InputStream,
  type StartResponse,
  wsgi,
  type WsgiApplication,
  type WsgiOptions,
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

  test("leaves out what the request did not have, and what could be forged", async () => {
    const environ = await environOf("/", { headers: { x_a: "forged", proxy: "http://evil.test" } });
    expect(Object.keys(environ).filter((name) => /^(CONTENT|HTTP)_/.test(name))).toEqual(["HTTP_HOST"]);
    expect(environ.QUERY_STRING).toBe("");
  });

  test("knows the scheme and the default port", async () => {
    const environ = await environOf("https://a.test/", { exchange: { encrypted: true, localAddress: null } });
    expect([environ["wsgi.url_scheme"], environ.SERVER_NAME, environ.SERVER_PORT]).toEqual(["https", "a.test", "443"]);
  });

  test("wsgi.errors writes where it was told to", async () => {
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

  test("content beyond the limit is refused before the call", async () => {
    const application = vi.fn<WsgiApplication>();
    const refused = call(application, "/", { method: "POST", body: "12345" }, { limitBytes: 4 });
    await expect(refused).rejects.toMatchObject({ code: "BODY_TOO_LARGE", status: 413 });
    expect(application).not.toHaveBeenCalled();
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
    ["iteration", (input) => [...input], ["one\n", "two\n", "\n", "last"]],
  ])("%s", (_name, read, expected) => {
    expect(read(open()).map(latin1)).toEqual(expected);
  });
});

describe("startResponse and the iterable", () => {
  test("the classic program", async () => {
    const response = await call((_environ, startResponse) => {
      startResponse("201 Created", [
        ["Content-Type", "text/html"],
        ["Set-Cookie", "a=1"],
        ["Set-Cookie", "b=2"],
      ]);
      return ["<p>你", Buffer.from("好</p>")];
    });
    expect([response.status, response.text()]).toEqual([201, "<p>你好</p>"]);
    expect([...response.headers]).toEqual([
      ["content-type", "text/html"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
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
  ])("%s", async (_name, application, body) => {
    expect((await call(application)).text()).toBe(body);
  });

  test("a list goes out whole, a generator piece by piece", async () => {
    const bodyOf = async (response: WsgiApplication): Promise<OutgoingResponse["body"]> => {
      let body: OutgoingResponse["body"];
      await using client = await createTestClient({
        fetch: async (request, exchange) => {
          const answer = await wsgi(response).fetch(request, exchange);
          ({ body } = answer);
          return answer;
        },
      });
      await client.request("/");
      return body;
    };
    const list: WsgiApplication = (_environ, startResponse) => {
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
    ["no call at all", () => ["a"], "did not call startResponse"],
    [
      "a call after the first piece",
      function* (_environ, startResponse) {
        yield "early";
        ok(startResponse);
      },
      "did not call startResponse",
    ],
    [
      "a second call",
      (_environ, startResponse) => {
        ok(startResponse);
        ok(startResponse);
        return [];
      },
      "a second time without excInfo",
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
    ["a status that is none", (_environ, startResponse) => (startResponse("200", []), []), 'such as "200 OK"'],
    [
      "headers that are no list",
      (_environ, startResponse) => (startResponse("200 OK", {} as readonly [string, string][]), []),
      "list of pairs",
    ],
    [
      "a field of the connection",
      (_environ, startResponse) => (startResponse("200 OK", [["Connection", "close"]]), []),
      "Connection is the server's",
    ],
    [
      "a string for an iterable",
      (_environ, startResponse) => (ok(startResponse), "letters"),
      "iterable of bytestrings",
    ],
    [
      "bytes for an iterable",
      (_environ, startResponse) => (ok(startResponse), new Uint8Array(1) as unknown as Iterable<string>),
      "iterable of bytestrings",
    ],
    [
      "a piece that is none",
      (_environ, startResponse) => (ok(startResponse), [1 as unknown as string]),
      "not of number",
    ],
  ])("%s is an error", async (_name, application, message) => {
    await expect(call(application)).rejects.toThrow(message);
  });

  test("excInfo while pieces go out is thrown again, through the body", async () => {
    const sending = call(function* (_environ, startResponse) {
      ok(startResponse);
      yield "first";
      startResponse("500 Oops", [], [Error, new Error("late"), null]);
    });
    await expect(sending).rejects.toThrow("late");
  });
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

  test.each<[string, WsgiApplication, TestRequest, boolean]>([
    ["the end", closing(() => ["a", "b"]), {}, true],
    ["HEAD", closing(() => ["a"]), { method: "HEAD" }, true],
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

  test("is called when the client goes away, and the generator is ended", async () => {
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
        // What a server does whose client went away.
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
