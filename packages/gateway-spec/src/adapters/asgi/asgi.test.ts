import { setImmediate as turn } from "node:timers/promises";
import { beforeEach, describe, expect, test, vi } from "vitest";
import type { Exchange, WebSocketOptions } from "../../index.ts";
import { createTestClient, type TestRequest, type TestResponse } from "../../testing.ts";
import {
  asgi,
  type AsgiApplication,
  type HttpScope,
  type Receive,
  type Send,
  type SendEvent,
  type WebSocketScope,
} from "./index.ts";

/** Runs an application that has no lifespan. */
async function call(
  run: (scope: HttpScope, receive: Receive, send: Send) => Promise<void>,
  target = "/",
  request: TestRequest = {},
): Promise<TestResponse> {
  const application: AsgiApplication = async (scope, receive, send) => {
    if (scope.type !== "http") throw new Error("http only");
    await run(scope, receive, send);
  };
  await using client = await createTestClient(asgi(application));
  return client.request(target, request);
}

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const respond = async (send: Send, body = ""): Promise<void> => {
  await send({ type: "http.response.start", status: 200, headers: [] });
  await send({ type: "http.response.body", body: Buffer.from(body) });
};

describe("the http scope", () => {
  test("has every key of the ASGI text with its value", async () => {
    let seen: HttpScope | undefined;
    await call(
      async (scope, _receive, send) => {
        seen = scope;
        await respond(send);
      },
      "/a%20b/%E8%82%A1%2F?x=%31&y",
      {
        headers: { "X-A": "1" },
        exchange: { protocol: "1.0", localAddress: { transport: "unix", path: "/run/a.sock" } },
      },
    );
    const { headers, raw_path, query_string, "tsgi.exchange": exchange, ...rest } = seen as HttpScope;
    expect(rest).toEqual({
      type: "http",
      asgi: { version: "3.0", spec_version: "2.5" },
      http_version: "1.0",
      method: "GET",
      scheme: "http",
      path: "/a b/股/",
      root_path: "",
      client: ["127.0.0.1", 50_000],
      server: ["/run/a.sock", null],
      state: {},
      extensions: { "http.response.trailers": {} },
    });
    expect([text(raw_path), text(query_string)]).toEqual(["/a%20b/%E8%82%A1%2F", "x=%31&y"]);
    expect(headers.map(([name, value]) => [text(name), text(value)])).toEqual([
      ["host", "test.localhost"],
      ["x-a", "1"],
    ]);
    expect(exchange.target).toBe("/a%20b/%E8%82%A1%2F?x=%31&y");
  });

  test("ends http.request events with more_body false, and sends http.disconnect when the response is complete", async () => {
    const events: unknown[] = [];
    await call(
      async (_scope, receive, send) => {
        for (let more = true; more;) {
          const event = await receive();
          if (event.type !== "http.request") throw new Error(event.type);
          events.push([text(event.body), event.more_body]);
          more = event.more_body;
        }
        const last = receive();
        await respond(send);
        events.push(await last);
      },
      "/",
      {
        method: "POST",
        body: (async function* () {
          yield Buffer.from("a");
          yield Buffer.from("b");
        })(),
      },
    );
    expect(events).toEqual([["a", true], ["b", true], ["", false], { type: "http.disconnect" }]);
  });

  test("sends a whole response, whose byte strings may be strings", async () => {
    const response = await call(async (_scope, _receive, send) => {
      await send({
        type: "http.response.start",
        status: 201,
        headers: [
          ["X-A", "é"],
          [Buffer.from("x-b"), Buffer.from("2")],
        ],
      });
      await send({ type: "http.response.body", body: "é" });
    });
    expect([response.status, response.text(), ...response.headers]).toEqual([201, "é", ["x-a", "é"], ["x-b", "2"]]);
  });

  test("sends pieces and trailers", async () => {
    const response = await call(async (_scope, _receive, send) => {
      await send({ type: "http.response.start", status: 200, headers: [["trailer", "x-sum"]], trailers: true });
      await send({ type: "http.response.body", body: Buffer.from("a"), more_body: true });
      await send({ type: "http.response.body", more_body: true });
      await send({ type: "http.response.body", body: Buffer.from("b") });
      await send({ type: "http.response.trailers", headers: [["X-Sum", "2"]] });
    });
    expect([response.text(), response.trailers.get("x-sum")]).toEqual(["ab", "2"]);
  });

  test("drops a body of two pieces for HEAD, and the application runs to its end", async () => {
    const done = vi.fn();
    await call(
      async (_scope, _receive, send) => {
        await send({ type: "http.response.start", status: 200 });
        await send({ type: "http.response.body", body: Buffer.from("a"), more_body: true });
        await send({ type: "http.response.body", body: Buffer.from("b") });
        done();
      },
      "/",
      { method: "HEAD" },
    );
    expect(done).toHaveBeenCalledTimes(1);
  });

  test("sends early hints", async () => {
    const hints: unknown[] = [];
    const exchange: Partial<Exchange> = { sendInformational: (...given) => void hints.push(given) };
    await call(
      async (scope, _receive, send) => {
        expect(scope.extensions).toHaveProperty(["http.response.early_hint"]);
        await send({ type: "http.response.early_hint", links: [Buffer.from("</a>; rel=preload")] });
        await respond(send);
      },
      "/",
      { exchange },
    );
    expect(hints).toEqual([[103, [["link", "</a>; rel=preload"]]]]);
  });

  test.each<[string, (send: Send) => Promise<void>, string]>([
    ["a body before the start", (send) => send({ type: "http.response.body" }), "before the start"],
    [
      "a second start",
      async (send) => {
        await send({ type: "http.response.start", status: 200 });
        await send({ type: "http.response.start", status: 200 });
      },
      "a second time",
    ],
    [
      "trailers that were not announced",
      async (send) => {
        await send({ type: "http.response.start", status: 200 });
        await send({ type: "http.response.trailers", headers: [] });
      },
      "announced trailers",
    ],
    ["an event of another scope", (send) => send({ type: "websocket.accept" }), "in an http scope"],
    ["no response", () => Promise.resolve(), "returned before its response was complete"],
    ["a start alone", (send) => send({ type: "http.response.start", status: 200 }), "returned before"],
    [
      "half a body",
      async (send) => {
        await send({ type: "http.response.start", status: 200 });
        await send({ type: "http.response.body", body: Buffer.from("half"), more_body: true });
      },
      "returned before",
    ],
    [
      "a body that is no byte string",
      async (send) => {
        await send({ type: "http.response.start", status: 200 });
        await send({ type: "http.response.body", body: 1 as unknown as string });
      },
      "not the number 1",
    ],
  ])("%s is an error", async (_name, run, message) => {
    await expect(call((_scope, _receive, send) => run(send))).rejects.toThrow(message);
  });

  test.each<[string, SendEvent]>([
    ["a piece of the body", { type: "http.response.body", body: "more" }],
    ["a second start", { type: "http.response.start", status: 500 }],
    ["trailers", { type: "http.response.trailers", headers: [] }],
  ])("ignores %s after the last piece of the body", async (_name, event) => {
    const outcome = Promise.withResolvers<string>();
    const response = await call(async (_scope, _receive, send) => {
      await respond(send, "sent");
      await send(event).then(() => outcome.resolve("ignored"), outcome.reject);
    });
    expect([response.text(), await outcome.promise]).toEqual(["sent", "ignored"]);
  });

  test("keeps a complete response when the application throws afterwards", async () => {
    const response = await call(async (_scope, _receive, send) => {
      await respond(send, "sent");
      throw new Error("background work");
    });
    expect(response.text()).toBe("sent");
  });

  test.each<[string, unknown, string]>([
    ["a status that is a string", { status: "200" }, "an integer from 200 to 599"],
    ["an informational status", { status: 103 }, "an integer from 200 to 599"],
    ["a record of headers", { status: 200, headers: { "x-a": "1" } }, 'such as [["content-type", "text/plain"]]'],
    ["a flat list of headers", { status: 200, headers: ["x-a", "1"] }, "each header must be a pair"],
    ["a header that is a number", { status: 200, headers: [["content-length", 1]] }, "must be byte strings"],
    ["a header name with a space", { status: 200, headers: [["x a", "1"]] }, "not a field name"],
    ["a header value with a line break", { status: 200, headers: [["x-a", "1\r\nx-b: 2"]] }, "forbidden character"],
    ["a header value beyond ISO-8859-1", { status: 200, headers: [["x-a", "股"]] }, "forbidden character"],
    [
      "a header of the connection",
      { status: 200, headers: [["connection", "close"]] },
      "leave out the header connection",
    ],
  ])("raises in send for %s, and a right start may follow", async (_name, start, message) => {
    let raised: unknown;
    const response = await call(async (_scope, _receive, send) => {
      raised = await send({ type: "http.response.start", ...(start as { status: number }) }).catch(
        (error: unknown) => error,
      );
      await respond(send, "the page");
    });
    expect(raised).toBeInstanceOf(TypeError);
    expect((raised as TypeError).message).toContain(message);
    expect(response.text()).toBe("the page");
  });

  test("ends an endless response to HEAD: http.disconnect is received, and send raises", async () => {
    const outcome = Promise.withResolvers<readonly unknown[]>();
    await call(
      async (_scope, receive, send) => {
        await receive();
        const disconnected = receive();
        await send({ type: "http.response.start", status: 200 });
        let error: unknown;
        while (error === undefined) {
          error = await send({ type: "http.response.body", body: "piece", more_body: true }).then(
            () => undefined,
            (reason: unknown) => reason,
          );
        }
        outcome.resolve([await disconnected, (error as { readonly code: string }).code]);
      },
      "/",
      { method: "HEAD" },
    );
    expect(await outcome.promise).toEqual([{ type: "http.disconnect" }, "CLIENT_DISCONNECTED"]);
  });

  test("fulfils every send of pieces that were sent without waiting", async () => {
    const response = await call(async (_scope, _receive, send) => {
      await send({ type: "http.response.start", status: 200 });
      await Promise.all(["a", "b", "c"].map((body) => send({ type: "http.response.body", body, more_body: true })));
      await send({ type: "http.response.body" });
    });
    expect(response.text()).toBe("abc");
  });

  test("sends http.disconnect when the client disconnects, and send raises", async () => {
    const client = new AbortController();
    const outcome = Promise.withResolvers<unknown[]>();
    const calling = call(
      async (_scope, receive, send) => {
        await receive();
        client.abort();
        const event = await receive();
        const sent = await respond(send).catch((error: unknown) => error);
        outcome.resolve([event, (sent as { code: string }).code]);
        throw sent;
      },
      "/",
      { signal: client.signal },
    );
    await expect(calling).rejects.toMatchObject({ code: "CLIENT_DISCONNECTED" });
    expect(await outcome.promise).toEqual([{ type: "http.disconnect" }, "CLIENT_DISCONNECTED"]);
  });
});

describe("the lifespan scope", () => {
  const events: string[] = [];
  beforeEach(() => void events.splice(0));
  const living =
    (start: "complete" | "failed", stop: "complete" | "failed" = "complete"): AsgiApplication =>
    async (scope, receive, send) => {
      if (scope.type === "http") {
        events.push(`http ${String(scope.state["name"])}`);
        scope.state["name"] = "changed";
        await respond(send);
      }
      if (scope.type !== "lifespan") return;
      events.push((await receive()).type);
      scope.state["name"] = "shared";
      await send(
        start === "complete"
          ? { type: "lifespan.startup.complete" }
          : { type: "lifespan.startup.failed", message: "no database" },
      );
      if (start === "failed") return;
      events.push((await receive()).type);
      await send(
        stop === "complete"
          ? { type: "lifespan.shutdown.complete" }
          : { type: "lifespan.shutdown.failed", message: "stuck" },
      );
    };

  test("starts, shares its state by copies, and shuts down", async () => {
    const client = await createTestClient(asgi(living("complete")));
    await client.request("/");
    await client.request("/");
    await client.close();
    expect(events).toEqual(["lifespan.startup", "http shared", "http shared", "lifespan.shutdown"]);
  });

  test("startup.failed keeps the server from serving, shutdown.failed fails its close", async () => {
    await expect(createTestClient(asgi(living("failed")))).rejects.toThrow("no database");
    const client = await createTestClient(asgi(living("complete", "failed")));
    await expect(client.close()).rejects.toThrow("stuck");
  });

  test.each<[string, AsgiApplication]>([
    ["throws on it", () => Promise.reject(new Error("http only"))],
    ["throws after startup", async (_scope, receive) => void (await receive().then(() => raise()))],
    ["returns from it", () => Promise.resolve()],
  ])("an application that %s does without", async (_name, application) => {
    const client = await createTestClient(
      asgi((scope, receive, send) =>
        scope.type === "http" ? respond(send, "served") : application(scope, receive, send),
      ),
    );
    expect((await client.request("/")).text()).toBe("served");
    await client.close();
  });

  test("raises in send for an event out of order", async () => {
    const raised = Promise.withResolvers<unknown>();
    await createTestClient(
      asgi(async (_scope, _receive, send) => {
        await send({ type: "lifespan.shutdown.complete" }).catch(raised.resolve);
      }),
    );
    expect(String(await raised.promise)).toMatch("while the lifespan was starting");
  });
});

describe("the websocket scope", () => {
  /** The server's side of a WebSocket without a connection. Its `send` reports that a message was sent when `taken` fulfils. */
  class Wire extends EventTarget {
    readonly CONNECTING = 0;
    readonly OPEN = 1;
    readyState = 0;
    binaryType = "blob";
    readonly sent: unknown[] = [];
    readonly reading: string[] = [];
    /** Set to an array, it keeps the callbacks of `send` in place of calling them. */
    unsent: ((error?: Error) => void)[] | null = null;
    open(): void {
      this.readyState = 1;
      this.dispatchEvent(new Event("open"));
    }
    deliver(data: unknown): void {
      this.dispatchEvent(Object.assign(new Event("message"), { data }));
    }
    leave(code: number, reason: string): void {
      this.readyState = 3;
      this.dispatchEvent(Object.assign(new Event("close"), { code, reason }));
    }
    pause(): void {
      this.reading.push("pause");
    }
    resume(): void {
      this.reading.push("resume");
    }
    send(data: unknown, sent: (error?: Error) => void): void {
      this.sent.push(this.readyState === 1 ? data : "too early");
      if (this.unsent === null) sent();
      else this.unsent.push(sent);
    }
    close(code: number, reason: string): void {
      if (reason.length > 123) throw new DOMException("The reason is too long", "SyntaxError");
      this.sent.push([code, reason]);
    }
  }

  async function connect(
    run: (scope: WebSocketScope, receive: Receive, send: Send, wire: Wire) => Promise<void>,
    headers: Record<string, string> = {},
  ) {
    const wire = new Wire();
    const given: (WebSocketOptions | undefined)[] = [];
    const over = Promise.withResolvers<unknown>();
    const upgradeWebSocket: NonNullable<Exchange["upgradeWebSocket"]> = (options) => {
      given.push(options);
      setImmediate(() => {
        wire.open();
      });
      return { socket: wire as unknown as WebSocket, response: { status: 101 } };
    };
    await using client = await createTestClient(
      asgi(async (scope, receive, send) => {
        if (scope.type !== "websocket") throw new Error("websocket only");
        try {
          await run(scope, receive, send, wire);
          over.resolve(undefined);
        } catch (error) {
          over.resolve(error);
          throw error;
        }
      }),
    );
    const response = await client
      .request("/chat?a", { headers, exchange: { upgradeWebSocket } })
      .catch((error: unknown) => ({ status: String(error), text: () => "" }));
    return { response, wire, given, error: await over.promise };
  }

  test("connect, accept, receive, send, disconnect", async () => {
    const events: unknown[] = [];
    const { response, wire, given } = await connect(
      async (scope, receive, send, wire) => {
        events.push([scope.scheme, scope.path, scope.subprotocols, scope.extensions], await receive());
        await send({ type: "websocket.accept", subprotocol: "chat", headers: [["x-a", "1"]] });
        wire.deliver("text");
        wire.deliver(new Uint8Array([1, 2]).buffer);
        events.push(await receive(), await receive());
        await send({ type: "websocket.send", text: "reply" });
        await send({ type: "websocket.send", bytes: new Uint8Array([3]) });
        wire.leave(1001, "bye");
        events.push(await receive(), await receive());
        await expect(send({ type: "websocket.send", text: "late" })).rejects.toMatchObject({
          code: "CLIENT_DISCONNECTED",
        });
      },
      { "sec-websocket-protocol": "chat, other" },
    );
    const disconnect = { type: "websocket.disconnect", code: 1001, reason: "bye" };
    expect(events).toEqual([
      ["ws", "/chat", ["chat", "other"], { "websocket.http.response": {} }],
      { type: "websocket.connect" },
      { type: "websocket.receive", bytes: null, text: "text" },
      { type: "websocket.receive", bytes: new Uint8Array([1, 2]), text: null },
      disconnect,
      disconnect,
    ]);
    expect([response.status, given]).toEqual([101, [{ protocol: "chat", headers: [["x-a", "1"]] }]]);
    expect([wire.binaryType, wire.sent]).toEqual(["arraybuffer", ["reply", new Uint8Array([3])]]);
  });

  test("does not read the client while 16 messages wait for receive", async () => {
    const { wire } = await connect(async (_scope, receive, send, wire) => {
      await receive();
      await send({ type: "websocket.accept" });
      for (let message = 0; message < 16; message++) wire.deliver("text");
      expect(wire.reading).toEqual(["pause"]);
      for (let message = 0; message < 16; message++) await receive();
    });
    expect(wire.reading).toEqual(["pause", "resume"]);
  });

  test("fulfils send when the message was sent, and raises in it when the client disconnects meanwhile", async () => {
    const events: unknown[] = [];
    await connect(async (_scope, _receive, send, wire) => {
      await send({ type: "websocket.accept" });
      wire.unsent = [];
      const sending = send({ type: "websocket.send", text: "first" }).then(() => events.push("sent"));
      while (wire.unsent.length < 1) await turn();
      events.push("waiting");
      wire.unsent[0]?.();
      await sending;
      const late = send({ type: "websocket.send", text: "second" }).catch((error: unknown) => error);
      while (wire.unsent.length < 2) await turn();
      wire.leave(1006, "");
      wire.unsent[1]?.(new Error("reset"));
      events.push(((await late) as { readonly code: string }).code);
    });
    expect(events).toEqual(["waiting", "sent", "CLIENT_DISCONNECTED"]);
  });

  test.each<[string, (send: Send) => Promise<void>, readonly [number, string]]>([
    ["close before accept is 403", (send) => send({ type: "websocket.close" }), [403, ""]],
    [
      "a denial response is sent as it is",
      async (send) => {
        await send({ type: "websocket.http.response.start", status: 401, headers: [] });
        await send({ type: "websocket.http.response.body", body: "not ", more_body: true });
        await send({ type: "websocket.http.response.body", body: "you" });
      },
      [401, "not you"],
    ],
  ])("%s", async (_name, run, expected) => {
    const { response, given } = await connect(async (_scope, receive, send) => {
      await receive();
      await run(send);
      expect(await receive()).toMatchObject({ type: "websocket.disconnect", code: 1006 });
    });
    expect([response.status, response.text(), given]).toEqual([...expected, []]);
  });

  test.each<[string, (send: Send) => Promise<void>, readonly unknown[]]>([
    ["close", (send) => send({ type: "websocket.close", code: 4000, reason: "enough" }), [[4000, "enough"]]],
    [
      "a close with a reason that is too long, and then a return",
      async (send) => {
        const closing = send({ type: "websocket.close", reason: "x".repeat(124) });
        await expect(closing).rejects.toThrow("too long");
      },
      [[1000, ""]],
    ],
    ["a return", () => Promise.resolve(), [[1000, ""]]],
    ["an error", () => Promise.reject(new Error("ours")), [[1011, ""]]],
    ["a message without content", (send) => send({ type: "websocket.send" }), [[1011, ""]]],
    [
      "a message after close",
      async (send) => {
        await send({ type: "websocket.close" });
        await send({ type: "websocket.send", text: "late" });
      },
      [[1000, ""]],
    ],
    ["an event out of order", (send) => send({ type: "websocket.accept" }), [[1011, ""]]],
  ])("after accept, %s closes the socket", async (_name, run, sent) => {
    const { wire } = await connect(async (_scope, _receive, send) => {
      await send({ type: "websocket.accept" });
      await run(send);
    });
    while (wire.sent.length < sent.length) await turn();
    expect(wire.sent).toEqual(sent);
  });

  test.each<[string, (send: Send) => Promise<void>, string]>([
    ["a message before accept", (send) => send({ type: "websocket.send", text: "early" }), "before the handshake"],
    ["a return without an event", () => Promise.resolve(), "returned before its response was complete"],
    ["an error", () => Promise.reject(new Error("ours")), "ours"],
  ])("%s fails the request", async (_name, run, message) => {
    const { response } = await connect((_scope, _receive, send) => run(send));
    expect(response.status).toMatch(message);
  });
});

function raise(): never {
  throw new Error("lifespan");
}
