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
import { get, lastContent, post, WireClient } from "./wire-client.ts";

const HANDSHAKE = [
  "Connection: keep-alive, Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Version: 13",
] as const;

describe.each([
  ["socket", serveSocket],
  ["node", serveNode],
])("%s", (_name, serve) => {
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

  test("the platform's own client: text and bytes, the protocol, the close and its code", async () => {
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

  test("what comes with the handshake and before any listener is kept, in order", async () => {
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

  test("more than is kept for a listener waits with the client, and none of it is lost", async () => {
    const accepted = Promise.withResolvers<WebSocket>();
    const { client } = await open((socket) => {
      accepted.resolve(socket);
    });
    const count = 500;
    for (let n = 0; n < count; n++) client.send(String(n).padEnd(4096));
    // The socket answers until it has kept enough, and is not read any more.
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

  test("an exchange completes with the 101, and its signal stays silent when the socket closes", async () => {
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

  test("a peer that is faster than the loop has to wait, and loses nothing", async () => {
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
    // Were it not made to wait, its last message would be gone before others have been served for a while.
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

  test("send fulfils when the message is out, and rejects where it cannot be", async () => {
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
    // A socket of ws has the members of the standard's, if not its types.
    const received = messages(connect(server) as unknown as WebSocket);
    expect((await received.next()).value).toBe("hello");
    expect(await sent.promise).toEqual([
      expect.objectContaining({ name: "InvalidStateError" }),
      expect.objectContaining({ name: "InvalidStateError" }),
    ]);
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

  test("a peer that answers no ping is given up", async () => {
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

  test("a peer that answers pings stays", async () => {
    const { client } = await open(() => undefined, { pingIntervalMs: 50 });
    for (let ping = 0; ping < 4; ping++) await once(client, "ping");
    expect(client.readyState).toBe(client.OPEN);
  });

  test("a refusal is an ordinary response, and the socket that was made is closed", async () => {
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
  ])("%s is a 500", async (_what, handler) => {
    const server = await start(handler);
    const received = await new WireClient(server.address).send(get("/", ...HANDSHAKE, "Connection: close")).end();
    expect(received).toMatch(/^HTTP\/1\.1 500 /);
    expect(logger.error).toHaveBeenCalledOnce();
  });

  test("an ordinary request that names another protocol is answered as such", async () => {
    const server = await start(async (request, exchange) => ({
      status: 200,
      body: `${await readText(request)} ${typeof exchange.upgradeWebSocket}`,
    }));
    const fields = ["Connection: Upgrade, close", "Upgrade: h2c"];
    for (const [bytes, body] of [
      [get("/", ...fields), " undefined"],
      [post("/", "hello", "Content-Length: 5", ...fields), "hello undefined"],
    ] as const) {
      const received = await new WireClient(server.address).send(bytes).end();
      expect(received).toMatch(/^HTTP\/1\.1 200 /);
      expect(lastContent(received)).toBe(body);
    }
  });

  test("draining: the application may say goodbye in its own words, the others get 1001, and shutdown waits", async () => {
    const events: string[] = [];
    const server = await serve(
      {
        fetch: (_request, exchange) => {
          const { socket, response } = accept(exchange);
          socket.addEventListener("close", ({ code }) => events.push(`close ${code}`));
          if (exchange.target === "/polite") {
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
    const [polite, plain] = [new WsClient(`${url}polite`), new WsClient(url)];
    await Promise.all([once(polite, "open"), once(plain, "open")]);
    const goodbyes = Promise.all([once(polite, "close"), once(plain, "close")]);
    await server.close();
    expect((await goodbyes).map(([code]) => code as number)).toEqual([4001, 1001]);
    expect(events).toEqual(["close 4001", "close 1001", "shutdown"]);
  });

  test("an event stream is read as it comes, and ends itself on draining", async () => {
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

function accept(exchange: Exchange, options?: WebSocketOptions) {
  const accepted = exchange.upgradeWebSocket?.(options);
  if (accepted === undefined) throw new TypeError("This is no handshake");
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
