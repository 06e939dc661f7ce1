import { once } from "node:events";
import type { Exchange, Handler, Server, WebSocketOptions } from "@tsgi/gateway-spec";
import { readText } from "@tsgi/gateway-spec/body";
import { eventStream } from "@tsgi/gateway-spec/events";
import { messages, send } from "@tsgi/gateway-spec/websocket";
import { afterEach, describe, expect, test, vi } from "vitest";
import WsClient from "ws";
import type { NodeServeOptions } from "../src/options.ts";
import { serve as serveNode } from "../src/node-http/index.ts";
import { serve as serveSocket } from "../src/socket/index.ts";
import { turn, watchAccepted } from "./accepted-sockets.ts";
import { get, post, WireClient } from "./wire-client.ts";

const HANDSHAKE = [
  "Connection: keep-alive, Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
] as const;

/** Before version 24.9, node:http takes the content of a request with Upgrade for bytes of the other protocol. */
const [NODE_MAJOR = 0, NODE_MINOR = 0] = process.versions.node.split(".").map(Number);
const TAKES_CONTENT_WITH_UPGRADE = NODE_MAJOR > 24 || (NODE_MAJOR === 24 && NODE_MINOR >= 9);

const acceptedOf = watchAccepted();

describe.each([
  ["socket", serveSocket],
  ["node", serveNode],
])("%s", (kind, serve) => {
  const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
  const servers: Server[] = [];
  const clients: WsClient[] = [];

  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await Promise.all(servers.splice(0).map((server) => server.close()));
    vi.resetAllMocks();
  });

  async function start(handler: Handler, options: NodeServeOptions = {}): Promise<Server> {
    const server = await serve(handler, { logger, shutdownTimeoutMs: 5000, ...options });
    servers.push(server);
    return server;
  }

  /** Serves a WebSocket and connects to it. */
  async function open(
    use: (socket: WebSocket, exchange: Exchange) => void,
    options?: WebSocketOptions,
    serveOptions?: NodeServeOptions,
  ): Promise<{ readonly server: Server; readonly client: WsClient }> {
    const server = await start((_request, exchange) => {
      const { socket, response } = accept(exchange, options);
      use(socket, exchange);
      return response;
    }, serveOptions);
    const client = connect(server);
    await once(client, "open");
    return { server, client };
  }

  function connect(server: Server, protocols: string[] = []): WsClient {
    const client = new WsClient(server.url.replace("http", "ws"), protocols);
    client.on("error", () => undefined);
    clients.push(client);
    return client;
  }

  test("the WebSocket of Node exchanges text and bytes, and gets the protocol and the close code", async () => {
    const closed = Promise.withResolvers<CloseEvent>();
    const server = await start((_request, exchange) => {
      const { socket, response } = accept(exchange, { protocol: "b" });
      socket.addEventListener("close", closed.resolve);
      echo(socket);
      return response;
    });
    const client = new WebSocket(server.url.replace("http", "ws"), ["a", "b"]);
    client.binaryType = "arraybuffer";
    const received = messages(client);
    await once(client as never, "open");
    expect(client.protocol).toBe("b");
    await send(client, "添");
    expect((await received.next()).value).toBe("添");
    await send(client, new Uint8Array([0, 255]));
    expect((await received.next()).value).toEqual(new Uint8Array([0, 255]).buffer);
    client.close(4000, "done");
    expect(await closed.promise).toMatchObject({ code: 4000, reason: "done", wasClean: true });
    expect((await received.next()).done).toBe(true);
  });

  test("messages that arrive with the handshake or before any listener are kept in order", async () => {
    const socket = Promise.withResolvers<WebSocket>();
    const server = await start((_request, exchange) => {
      const accepted = accept(exchange);
      socket.resolve(accepted.socket);
      return accepted.response;
    });
    // Masked with zeros, which leaves the text as it is.
    const frame = (text: string) => `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;
    const wire = new WireClient(server.address).send(get("/", ...HANDSHAKE) + frame("one") + frame("two"));
    await wire.until("\r\n\r\n");
    expect(wire.received).toMatch(/^HTTP\/1\.1 101 [^]*\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/);
    wire.send(frame("three"));
    const received: unknown[] = [];
    for await (const message of messages(await socket.promise)) {
      received.push(message);
      if (received.length === 3) break;
    }
    expect(received).toEqual(["one", "two", "three"]);
    wire.socket.destroy();
  });

  test("the server stops reading when it keeps enough for a listener, and loses nothing", async () => {
    const accepted = Promise.withResolvers<WebSocket>();
    const { client } = await open((socket) => {
      accepted.resolve(socket);
    });
    const count = 500;
    for (let n = 0; n < count; n++) client.send(String(n).padEnd(4096));
    // A second connection opens after the messages of the first have been read up to the bound.
    const socket = await accepted.promise;
    const other = connect(servers[0] as Server);
    await once(other, "open");
    const received: number[] = [];
    const all = new Promise<void>((resolve) => {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- the standard's other way is what is tested here
      socket.onmessage = ({ data }: { readonly data: unknown }) => {
        received.push(Number(data));
        if (received.length === count) resolve();
      };
    });
    await all;
    expect(received).toEqual(Array.from({ length: count }, (_, n) => n));
  });

  test("an exchange completes with the 101, and its signal does not abort when the socket closes", async () => {
    const abort = vi.fn();
    let completed: Promise<void> | undefined;
    const closed = Promise.withResolvers<void>();
    const server = await start((request, exchange) => {
      request.signal.addEventListener("abort", abort);
      ({ completed } = exchange);
      const { socket, response } = accept(exchange);
      socket.addEventListener("close", () => {
        closed.resolve();
      });
      return response;
    });
    const client = connect(server);
    await once(client, "open");
    await completed;
    client.terminate();
    await closed.promise;
    expect(abort).not.toHaveBeenCalled();
  });

  test("a client that sends faster than messages() is read has to wait, and loses nothing", async () => {
    const gate = Promise.withResolvers<void>();
    let taken = 0;
    const { client } = await open((socket) => {
      void (async () => {
        await gate.promise;
        for await (const _ of messages(socket, { maxWaiting: 4 })) taken++;
        return undefined;
      })();
    });
    const piece = Buffer.alloc(256 * 1024);
    const all = Array.from({ length: 200 }, () => sentBy(client, piece));
    await all[0];
    // Without backpressure its last message would be sent long before these pongs arrive.
    let done = false;
    const last = Promise.all(all).then(() => (done = true));
    const other = connect(servers[0] as Server);
    await once(other, "open");
    for (let turn = 0; turn < 20; turn++) {
      other.ping();
      await once(other, "pong");
    }
    expect(done).toBe(false);
    gate.resolve();
    await last;
    client.close();
    await once(client, "close");
    expect(taken).toBe(200);
  });

  test("send() fulfils when the message was sent, and rejects when it cannot be sent", async () => {
    const sent = Promise.withResolvers<unknown>();
    const server = await start((_request, exchange) => {
      const { socket, response } = accept(exchange);
      const early = send(socket, "early").catch((error: unknown) => error);
      socket.addEventListener("open", () => {
        sent.resolve(
          (async () => {
            const first = await early;
            await send(socket, "hello");
            await send(socket, new Uint8Array([1]));
            socket.close();
            return [first, await send(socket, "late").catch((error: unknown) => error)];
          })(),
        );
      });
      return response;
    });
    // A socket of ws has the members of the standard's interface.
    const received = messages(connect(server) as unknown as WebSocket);
    expect((await received.next()).value).toBe("hello");
    expect(await sent.promise).toEqual([
      expect.objectContaining({ name: "InvalidStateError" }),
      expect.objectContaining({ name: "InvalidStateError" }),
    ]);
  });

  test.each<[string, (event: unknown) => unknown]>([
    ["throws", (): unknown => JSON.parse("{bad")],
    ["returns a promise that rejects", () => Promise.reject(new SyntaxError("bad"))],
  ])("a message listener that %s is logged and closes its socket with 1011", async (_what, listener) => {
    const later: unknown[] = [];
    const { client, server } = await open((socket) => {
      socket.addEventListener("message", listener);
      socket.addEventListener("message", ({ data }: { readonly data: unknown }) => later.push(data));
    });
    client.send("text");
    const [code] = (await once(client, "close")) as [number];
    expect(code).toBe(1011);
    expect(later).toEqual(["text"]);
    expect(logger.error.mock.calls).toEqual([
      ['A listener of the WebSocket event "message" failed', expect.any(SyntaxError)],
    ]);
    const other = connect(server);
    await once(other, "open");
  });

  test.each(["open", "error", "close"])("a listener of the event %s that throws is logged", async (type) => {
    const logged = new Promise<unknown>((resolve) => logger.error.mockImplementation(resolve));
    const { client } = await open(
      (socket) => {
        socket.addEventListener(type, () => {
          throw new Error("a bug");
        });
      },
      { maxMessageBytes: 1 },
    );
    client.send("too long");
    expect(await logged).toBe(`A listener of the WebSocket event "${type}" failed`);
  });

  test("listeners follow the standard: once, signal, objects, removal, and the event's target", async () => {
    const calls: string[] = [];
    const done = Promise.withResolvers<Event>();
    const { client } = await open((socket) => {
      const note = (name: string) => () => void calls.push(name);
      const abort = new AbortController();
      const removed = note("removed");
      socket.addEventListener("message", note("once"), { once: true });
      socket.addEventListener("message", note("aborted"), { signal: abort.signal });
      socket.addEventListener("message", { handleEvent: note("object") } as never);
      socket.addEventListener("message", removed);
      socket.removeEventListener("message", removed);
      abort.abort();
      socket.addEventListener("message", (event) => {
        if (event.data === "two") done.resolve(event);
      });
    });
    client.send("one");
    client.send("two");
    const event = await done.promise;
    expect(calls).toEqual(["once", "object", "object"]);
    expect(event).toMatchObject({ type: "message", data: "two", origin: "", lastEventId: "", source: null, ports: [] });
    expect(event.target).toHaveProperty("readyState");
  });

  test("messages arrive in the order of their sending, a Blob among them", async () => {
    const { client } = await open((socket) => {
      socket.addEventListener("message", () => {
        socket.send("one");
        socket.send(new Blob(["two"]));
        socket.send("three");
        setTimeout(() => {
          socket.send("four");
        });
      });
    });
    client.send("start");
    const received: string[] = [];
    for await (const message of messages(client as unknown as WebSocket)) {
      received.push(Buffer.from(message as ArrayBuffer).toString());
      if (received.length === 4) break;
    }
    expect(received).toEqual(["one", "two", "three", "four"]);
  });

  test("a client that does not read is disconnected when more than maxBufferedBytes wait for it", async () => {
    const closed = Promise.withResolvers<CloseEvent>();
    const failures: unknown[] = [];
    const sends = Promise.withResolvers<number>();
    const { client } = await open(
      (socket) => {
        socket.addEventListener("close", closed.resolve);
        socket.addEventListener("open", () => {
          const message = new Uint8Array(1024 * 1024);
          let count = 0;
          while (socket.readyState === 1) {
            (socket as unknown as WsClient).send(message, (error) => error && failures.push(error));
            count++;
          }
          sends.resolve(count);
        });
      },
      { maxBufferedBytes: 4 * 1024 * 1024 },
    );
    client.pause();
    expect(await sends.promise).toBeLessThan(64);
    expect(await closed.promise).toMatchObject({ code: 1006, wasClean: false });
    expect(failures).not.toEqual([]);
    expect(logger.warn.mock.calls).toEqual([[expect.stringContaining("more than 4194304 bytes wait to be sent")]]);
  });

  test.each(["8", "14"])("a handshake of version %s gets 426 with the version that is supported", async (version) => {
    const handler = vi.fn<Handler>(() => ({ status: 200 }));
    const server = await start(handler);
    const fields = HANDSHAKE.map((line) => line.replace("Version: 13", `Version: ${version}`));
    const wire = new WireClient(server.address).send(get("/", ...fields, "Connection: close"));
    const received = await wire.end();
    expect(received).toMatch(/^HTTP\/1\.1 426 Upgrade Required\r\n/);
    expect(received).toMatch(/\r\nsec-websocket-version: 13\r\n/i);
    expect(received).toMatch(/\r\nupgrade: websocket\r\n/i);
    expect(handler).not.toHaveBeenCalled();
  });

  test("a message longer than the limit closes the socket with 1009", async () => {
    const closed = Promise.withResolvers<CloseEvent>();
    const { client } = await open(
      (socket) => {
        socket.addEventListener("close", closed.resolve);
      },
      { maxMessageBytes: 4 },
    );
    client.send("12345");
    expect(await once(client, "close")).toEqual([1009, Buffer.from("")]);
    await closed.promise;
  });

  test.each([
    ["text that is not UTF-8", "\x81\x81\0\0\0\0\xff", 1007],
    ["text of two frames that is not UTF-8", "\x01\x81\0\0\0\0\xe6\x80\x80\0\0\0\0", 1007],
    ["a frame without a mask", "\x81\x01a", 1002],
    ["a continuation of nothing", "\x80\x81\0\0\0\0a", 1002],
    ["a message within another one", "\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b", 1002],
    ["frames that are longer than the limit together", "\x01\x83\0\0\0\0abc\x80\x82\0\0\0\0de", 1009],
  ])("%s closes the socket, and nothing behind it is a message", async (_what, frames, code) => {
    const errors: unknown[] = [];
    const received: unknown[] = [];
    const closed = Promise.withResolvers<CloseEvent>();
    const server = await start((_request, exchange) => {
      const { socket, response } = accept(exchange, { maxMessageBytes: 4 });
      socket.addEventListener("message", ({ data }) => received.push(data));
      socket.addEventListener("error", ({ error }) => errors.push(error));
      socket.addEventListener("close", closed.resolve);
      return response;
    });
    const wire = new WireClient(server.address).send(get("/", ...HANDSHAKE));
    await wire.until("\r\n\r\n");
    wire.send(`\x81\x81\0\0\0\0a${frames}\x81\x81\0\0\0\0z`);
    await wire.until(`\x88\x02${String.fromCharCode(code >> 8, code & 255)}`);
    wire.socket.destroy();
    await closed.promise;
    expect(received).toEqual(["a"]);
    expect(errors).toEqual([expect.any(Error)]);
  });

  test("a client that sends no pong is disconnected", async () => {
    const closed = Promise.withResolvers<CloseEvent>();
    const server = await start((_request, exchange) => {
      const { socket, response } = accept(exchange, { pingIntervalMs: 5 });
      socket.addEventListener("close", closed.resolve);
      return response;
    });
    const wire = new WireClient(server.address).send(get("/", ...HANDSHAKE));
    await wire.end();
    expect(await closed.promise).toMatchObject({ code: 1006, wasClean: false });
  });

  test("a client that sends pongs stays connected", async () => {
    const { client } = await open(() => undefined, { pingIntervalMs: 50 });
    for (let ping = 0; ping < 4; ping++) await once(client, "ping");
    expect(client.readyState).toBe(client.OPEN);
  });

  test("a refusal is an ordinary response, and the accepted socket closes with 1006", async () => {
    const events: string[] = [];
    const closed = Promise.withResolvers<void>();
    let socket: WebSocket | undefined;
    const server = await start((_request, exchange) => {
      ({ socket } = accept(exchange));
      socket.addEventListener("error", () => events.push("error"));
      socket.addEventListener("close", ({ code }) => {
        events.push(`close ${code}`);
        closed.resolve();
      });
      return { status: 403, body: "no" };
    });
    expect(await new WireClient(server.address).send(get("/", ...HANDSHAKE, "Connection: close")).end()).toMatch(
      /^HTTP\/1\.1 403 [^]*no$/,
    );
    await closed.promise;
    expect(events).toEqual(["error", "close 1006"]);
    expect(socket?.readyState).toBe(3);
  });

  test.each<[string, Handler]>([
    ["101 without upgradeWebSocket", () => ({ status: 101 })],
    ["a protocol that was not offered", (_request, exchange) => accept(exchange, { protocol: "other" }).response],
    [
      "a field that splits the response",
      (_request, exchange) => accept(exchange, { headers: { a: "b\r\nc: d" } }).response,
    ],
    [
      "two calls",
      (_request, exchange) => {
        accept(exchange);
        return accept(exchange).response;
      },
    ],
  ])("%s gives a 500", async (_what, handler) => {
    const server = await start(handler);
    const received = await new WireClient(server.address).send(get("/", ...HANDSHAKE, "Connection: close")).end();
    expect(received).toMatch(/^HTTP\/1\.1 500 /);
    expect(logger.error).toHaveBeenCalledOnce();
  });

  test("a request that names another protocol is an ordinary request", async () => {
    const server = await start(async (request, exchange) => ({
      status: 200,
      body: `${await readText(request)} ${typeof exchange.upgradeWebSocket}`,
    }));
    const fields = ["Connection: Upgrade, close", "Upgrade: h2c"];
    const send = (bytes: string) => new WireClient(server.address).send(bytes).end();
    expect(await send(get("/", ...fields))).toMatch(/^HTTP\/1\.1 200 [^]* undefined$/);
    const received = await send(post("/", "hello", "Content-Length: 5", ...fields));
    if (kind === "node" && !TAKES_CONTENT_WITH_UPGRADE) expect(received).toMatch(/^HTTP\/1\.1 501 /);
    else expect(received).toMatch(/^HTTP\/1\.1 200 [^]*hello undefined$/);
  });

  describe.each<[string, Handler]>([
    ["at once", () => ({ status: 200, body: "first" })],
    ["in a later turn", async () => ({ status: 200, body: await later("first") })],
  ])("a request behind one whose response comes %s", (_when, first) => {
    const handler: Handler = (request, exchange) =>
      exchange.target === "/first"
        ? first(request, exchange)
        : (exchange.upgradeWebSocket?.().response ?? NO_HANDSHAKE);

    test.each([
      ["a handshake gets its 101 behind that response", get("/", ...HANDSHAKE), "101 Switching Protocols"],
      [
        "an upgrade to another protocol gets its response",
        get("/", "Connection: Upgrade", "Upgrade: h2c"),
        "400 Bad Request",
      ],
      ["CONNECT is refused", "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "501 Not Implemented"],
    ])("%s", async (_what, second, status) => {
      const server = await start(handler);
      const wire = new WireClient(server.address).send(get("/first") + second);
      expect(await wire.until(`HTTP/1.1 ${status}\r\n`)).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*first[^]*HTTP\/1\.1 /);
      wire.socket.destroy();
    });

    test("a handshake that comes later on the same connection gets its 101", async () => {
      const server = await start(handler);
      const wire = new WireClient(server.address).send(get("/first"));
      await wire.until("first");
      await wire.send(get("/", ...HANDSHAKE)).until("HTTP/1.1 101 Switching Protocols\r\n");
      wire.socket.destroy();
    });

    test("a handshake behind the last request of a connection gets no response", async () => {
      const server = await start(handler);
      const wire = new WireClient(server.address).send(get("/first", "Connection: close") + get("/", ...HANDSHAKE));
      expect((await wire.end()).split("HTTP/1.1 ")).toHaveLength(2);
    });
  });

  test("a response that the client reads slowly is complete before that of an upgrade request behind it", async () => {
    const server = await start((_request, { target }) =>
      target === "/first" ? { status: 200, body: fullConnection("first") } : NO_HANDSHAKE,
    );
    const wire = new WireClient(server.address);
    wire.socket.pause();
    wire.send(get("/first") + get("/", ...HANDSHAKE, "Connection: close"));
    const end = await acceptedOf(wire.socket);
    // Until the buffers of the system are full, or have taken all of it.
    while (end.writableLength === 0 && end.bytesWritten < FULL_CONNECTION_BYTES) await turn();
    wire.socket.resume();
    const received = await wire.end();
    expect(received.split("first")).toHaveLength(1 + FULL_CONNECTION_BYTES / PIECE_BYTES);
    expect(received).toMatch(/\r\n0\r\n\r\nHTTP\/1\.1 400 /);
  });

  test("on shutdown an application may close its sockets itself, the server closes the others with 1001, and shutdown waits", async () => {
    const events: string[] = [];
    const server = await serve(
      {
        fetch: (_request, exchange) => {
          const { socket, response } = accept(exchange);
          socket.addEventListener("close", ({ code }) => events.push(`close ${code}`));
          if (exchange.target === "/own-code") {
            exchange.draining.addEventListener("abort", () => {
              socket.close(4001, "bye");
            });
          }
          return response;
        },
        shutdown: () => void events.push("shutdown"),
      },
      { logger },
    );
    const url = server.url.replace("http", "ws");
    const [own, plain] = [new WsClient(`${url}own-code`), new WsClient(url)];
    await Promise.all([once(own, "open"), once(plain, "open")]);
    const closes = Promise.all([once(own, "close"), once(plain, "close")]);
    await server.close();
    expect(logger.info.mock.calls).toEqual([["waiting for 2 WebSockets, at most 10 s"]]);
    expect((await closes).map(([code]) => code as number)).toEqual([4001, 1001]);
    expect(events).toEqual(["close 4001", "close 1001", "shutdown"]);
  });

  test("an event stream arrives event by event, and ends on draining", async () => {
    const server = await start((_request, exchange) =>
      eventStream(
        (async function* () {
          yield { event: "tick", id: "1", data: "one\ntwo" };
          await new Promise(() => undefined);
        })(),
        { draining: exchange.draining },
      ),
    );
    const response = await fetch(server.url);
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const text = new TextDecoder().decode((await reader.read()).value);
    expect(text).toBe("event: tick\nid: 1\ndata: one\ndata: two\n\n");
    const closed = server.close();
    expect((await reader.read()).done).toBe(true);
    await closed;
  });
});

const NO_HANDSHAKE = { status: 400 };

async function later<T>(value: T): Promise<T> {
  await turn();
  return value;
}

const PIECE_BYTES = 64 * 1024;
const FULL_CONNECTION_BYTES = 200 * PIECE_BYTES;

/** More than the buffers of most systems take at once. */
async function* fullConnection(text: string): AsyncGenerator<string> {
  for (let sent = 0; sent < FULL_CONNECTION_BYTES; sent += PIECE_BYTES) yield await later(text.padEnd(PIECE_BYTES));
}

function accept(exchange: Exchange, options?: WebSocketOptions) {
  const accepted = exchange.upgradeWebSocket?.(options);
  if (accepted === undefined) throw new TypeError("This is not a handshake");
  return accepted;
}

function echo(socket: WebSocket): void {
  socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
    socket.send(data as string | ArrayBuffer);
  });
}

function sentBy(client: WsClient, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.send(data, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}
