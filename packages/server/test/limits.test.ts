/** Every limit and timeout of the socket server, on a manual clock: clients that are slow, inactive or too many. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Handler, Server } from "@tsgi/gateway-spec";
import { readText } from "@tsgi/gateway-spec/body";
import { afterEach, describe, expect, test, vi } from "vitest";
import { DEFAULT_LIMITS, type SocketServeOptions } from "../src/options.ts";
import { listen } from "../src/socket/listen.ts";
import { turn, watchAccepted } from "./accepted-sockets.ts";
import { ManualClock } from "./manual-clock.ts";
import { get, post, WireClient } from "./wire-client.ts";

/** How late a timeout may fire: connections are swept twice a second. */
const SWEEP_MS = 500;

const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const servers: Server[] = [];
const clients: WireClient[] = [];
const endOf = watchAccepted();

afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy();
  await Promise.all(servers.splice(0).map((server) => server.close()));
  vi.resetAllMocks();
});

const hello: Handler = () => ({ status: 200, body: "hello" });
const echo: Handler = async (request) => ({ status: 200, body: `<${await readText(request)}>` });

/** A client, with the server's end of its connection. */
class Peer extends WireClient {
  #end: Socket | undefined;

  /** The server's end. */
  async accepted(): Promise<Socket> {
    return (this.#end ??= await endOf(this.socket));
  }

  /** Waits until the server has read everything that the client sent. */
  async arrived(): Promise<Socket> {
    const end = await this.accepted();
    while (end.bytesRead !== this.socket.bytesWritten) await turn();
    return end;
  }

  /** Waits until the server has closed the connection. */
  async closed(): Promise<void> {
    const end = await this.accepted();
    while (!end.closed) await turn();
  }
}

async function start(handler: Handler, options: SocketServeOptions = {}) {
  const clock = new ManualClock();
  const server = await listen(handler, { logger, ...options }, clock);
  servers.push(server);
  const connectPeer = (): Peer => {
    const peer = new Peer(server.address);
    clients.push(peer);
    return peer;
  };
  return { clock, server, connect: connectPeer };
}

const CHUNKED = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

describe("a slow head", () => {
  test("is rejected with 408 at headTimeoutMs, and not before", async () => {
    const { clock, connect: open } = await start(hello);
    const client = open().send("GET / HTTP/1.1\r\nHo");
    const end = await client.arrived();
    clock.advance(DEFAULT_LIMITS.headTimeoutMs);
    expect(end.writableEnded).toBe(false);
    clock.advance(SWEEP_MS);
    expect(await client.end()).toMatch(/^HTTP\/1\.1 408 Request Timeout\r\n(?:.+\r\n)*Connection: close\r\n/);
  });

  test("gets no more time by sending single bytes", async () => {
    const { clock, connect: open } = await start(hello);
    const client = open().send("GET / HTTP/1.1\r\n");
    await client.arrived();
    for (let spentMs = 0; spentMs < DEFAULT_LIMITS.headTimeoutMs; spentMs += 1500) {
      const end = await client.send("x").arrived();
      expect(end.writableEnded).toBe(false);
      clock.advance(1500);
    }
    clock.advance(SWEEP_MS);
    expect(await client.end()).toMatch(/^HTTP\/1\.1 408 /);
  });

  test("is rejected also as the second one of a connection", async () => {
    const { clock, connect: open } = await start(hello);
    const client = open().send(`${get("/")}GET / HT`);
    await client.until("hello");
    await client.arrived();
    clock.advance(DEFAULT_LIMITS.headTimeoutMs + SWEEP_MS);
    expect(await client.end()).toMatch(/hello.*HTTP\/1\.1 408 /s);
  });
});

describe("inactivity", () => {
  test("of a client that never sends a byte closes its connection without a response", async () => {
    const { clock, connect: open } = await start(hello);
    const client = open();
    const end = await client.arrived();
    clock.advance(DEFAULT_LIMITS.headTimeoutMs);
    expect(end.destroyed).toBe(false);
    clock.advance(SWEEP_MS);
    expect(await client.end()).toBe("");
  });

  test("between two exchanges closes the connection, and restarts after each exchange", async () => {
    const { clock, connect: open } = await start(hello);
    const client = open();
    for (let i = 1; i <= 3; i++) {
      await client.send(get("/")).until("hello", i);
      clock.advance(DEFAULT_LIMITS.keepAliveTimeoutMs);
    }
    const end = await client.arrived();
    expect(end.writableEnded).toBe(false);
    clock.advance(SWEEP_MS);
    expect((await client.end()).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 200"]);
  });

  test("of the handler has no timeout", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { clock, connect: open } = await start(async () => {
      await promise;
      return { status: 200, body: "late" };
    });
    const client = open().send(post("/", "12", "Content-Length: 2") + get("/"));
    await client.arrived();
    clock.advance(3_600_000);
    resolve();
    await client.until("late", 2);
  });

  test("of the handler before it reads the content has no timeout", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { clock, connect: open } = await start(async (request) => {
      await promise;
      return { status: 200, body: `<${await readText(request)}>` };
    });
    const client = open().send(post("/", "12", "Content-Length: 4"));
    await client.arrived();
    clock.advance(3_600_000);
    resolve();
    await client.send("34").until("<1234>");
  });

  test("of a client after its last response terminates the connection, although the client does not close it", async () => {
    const { clock, connect: open } = await start(hello, { maxRequestsPerConnection: 1 });
    const client = open().send(get("/"));
    const end = await client.arrived();
    await client.until("hello");
    expect(end.destroyed).toBe(false);
    clock.advance(2000 + SWEEP_MS);
    expect(end.destroyed).toBe(true);
  });
});

describe("slow content", () => {
  test.each([
    ["of a known length", post("/", "12", "Content-Length: 5")],
    ["in chunks", `${CHUNKED}2\r\n12\r\n`],
    ["in the middle of a chunk's size", `${CHUNKED}2\r\n12\r\n1`],
    ["within a trailer", `${CHUNKED}2\r\n12\r\n0\r\nx-a`],
  ])("%s fails the reader that waits for it, and gets 408", async (_name, sent) => {
    const failure = Promise.withResolvers<unknown>();
    const { clock, connect: open } = await start(async (request) => {
      await readText(request).catch((error: unknown) => {
        failure.resolve(error);
        throw error;
      });
      return { status: 200 };
    });
    const client = open().send(sent);
    const end = await client.arrived();
    clock.advance(DEFAULT_LIMITS.bodyTimeoutMs);
    expect(end.writableEnded).toBe(false);
    clock.advance(SWEEP_MS);
    expect(await failure.promise).toMatchObject({ code: "REQUEST_BODY_TIMEOUT" });
    expect(await client.end()).toMatch(/^HTTP\/1\.1 408 (?:.+\r\n)*Connection: close\r\n/);
  });

  test("has no time limit as long as bytes arrive", async () => {
    const { clock, connect: open } = await start(echo);
    const client = open().send(post("/", "", "Content-Length: 5"));
    for (let i = 0; i < 5; i++) {
      await client.arrived();
      clock.advance(DEFAULT_LIMITS.bodyTimeoutMs);
      client.send(String(i));
    }
    await client.until("<01234>");
  });

  test("that is drained after the response has a total time limit, however often bytes arrive", async () => {
    const { clock, connect: open } = await start(hello);
    const client = open().send(post("/", "", "Content-Length: 100"));
    await client.until("hello");
    const end = await client.accepted();
    for (let i = 0; i < 3; i++) {
      client.send("x");
      await client.arrived();
      clock.advance(DEFAULT_LIMITS.bodyTimeoutMs / 3);
    }
    expect(end.writableEnded).toBe(false);
    clock.advance(SWEEP_MS);
    expect(end.writableEnded).toBe(true);
  });

  test("that is drained after the response has bodyTimeoutMs", async () => {
    const { clock, connect: open } = await start(hello);
    const client = open().send(post("/", "12", "Content-Length: 5"));
    await client.until("hello");
    clock.advance(DEFAULT_LIMITS.bodyTimeoutMs + SWEEP_MS);
    await client.end();
  });
});

test("a blocked event loop does not count towards client timeouts (TSGI-42)", async () => {
  const { clock, connect: open } = await start(echo);
  const [head, content, idle] = [open(), open(), open()] as const;
  await head.send("GET / HTTP/1.1\r\nHo").arrived();
  await content.send(post("/", "12", "Content-Length: 5")).arrived();
  await idle.send(get("/")).until("<>");
  clock.hold(3_600_000);
  head.send("st: a\r\n\r\n");
  content.send("345");
  idle.send(get("/"));
  await head.until("<>");
  await content.until("<12345>");
  await idle.until("<>", 2);
});

test("a timeout shorter than the sweep interval does not fire early", async () => {
  const { clock, connect: open } = await start(echo, { bodyTimeoutMs: 1 });
  const client = open();
  await client.accepted();
  clock.advance(SWEEP_MS - 1);
  await client.send(post("/", "12", "Content-Length: 5")).arrived();
  clock.advance(1);
  client.send("345");
  await client.until("<12345>");
});

test("a sweep that is late does not count its delay towards a timeout that is shorter than the sweep interval", async () => {
  const { clock, connect: open } = await start(echo, { bodyTimeoutMs: 1 });
  const client = open();
  await client.send(post("/", "12", "Content-Length: 5")).arrived();
  clock.hold(SWEEP_MS + 100);
  client.send("345");
  await client.until("<12345>");
});

test("content in the smallest chunks is not read faster than the handler reads it", async () => {
  const gate = Promise.withResolvers<void>();
  const { connect: open } = await start(async (request) => {
    await gate.promise;
    const text = await readText(request);
    return { status: 200, body: `<${text.length}>` };
  });
  const client = open().send(`${CHUNKED}${"1\r\nx\r\n".repeat(100_000)}0\r\n\r\n`);
  const end = await client.accepted();
  while (!end.isPaused()) await turn();
  expect(end.bytesRead).toBeLessThan(200_000);
  gate.resolve();
  await client.until("<100000>");
});

describe("a client that does not read", () => {
  test("is terminated, and the exchange fails with RESPONSE_TIMEOUT", async () => {
    const reason = Promise.withResolvers<unknown>();
    const { clock, connect: open } = await start(({ signal }) => {
      signal.addEventListener("abort", () => {
        reason.resolve(signal.reason);
      });
      return { status: 200, body: endless() };
    });
    const client = open();
    await once(client.socket, "connect");
    client.socket.pause();
    const end = await client.send(get("/")).arrived();
    await full(end);
    clock.advance(DEFAULT_LIMITS.sendTimeoutMs);
    expect(end.destroyed).toBe(false);
    clock.advance(SWEEP_MS);
    expect(await reason.promise).toMatchObject({ code: "RESPONSE_TIMEOUT" });
    expect(end.destroyed).toBe(true);
  });

  test("and floods the server with requests is not read: neither requests nor responses accumulate", async () => {
    const body = "x".repeat(1000);
    let handled = 0;
    const { clock, connect: open } = await start(() => {
      handled++;
      return { status: 200, body };
    });
    const client = open();
    await once(client.socket, "connect");
    client.socket.pause();
    const request = get("/", `X-Padding: ${"p".repeat(1000)}`);
    const flood = request.repeat(64);
    const closed = new Promise((resolve) => client.socket.on("close", resolve));
    const write = () => {
      while (client.socket.writableLength < 4 * flood.length) client.socket.write(flood);
    };
    client.socket.on("drain", write);
    write();
    const end = await client.accepted();
    while (!end.isPaused()) await turn();
    await full(end);

    const heldBytes = end.bytesRead - handled * request.length;
    expect(heldBytes).toBeLessThan(256 * 1024);
    expect(end.writableLength).toBeLessThan(512 * 1024);
    const { bytesRead } = end;
    for (let i = 0; i < 100; i++) await turn();
    expect(end.bytesRead).toBe(bytesRead);

    clock.advance(DEFAULT_LIMITS.sendTimeoutMs + SWEEP_MS);
    expect(end.destroyed).toBe(true);
    client.socket.resume();
    await closed;
  });
});

describe("too many", () => {
  test("connections: a further one is closed without a response, until one of them ends", async () => {
    const { connect: open } = await start(hello, { maxConnections: 2 });
    const [first, second] = [open(), open()];
    await first.accepted();
    await first.send(get("/")).until("hello");
    await second.send(get("/")).until("hello");
    expect(await open().send(get("/")).end()).toBe("");
    await first.send(get("/", "Connection: close")).end();
    await first.closed();
    await open().send(get("/")).until("hello");
  });

  test("connections of one client: other clients are served", async () => {
    const { server, connect: open } = await start(hello, { maxConnectionsPerClient: 3, hostname: "0.0.0.0" });
    if (server.address.transport !== "tcp") throw new Error("It listens on TCP");
    const clients = Array.from({ length: 20 }, open);
    const served = await Promise.all(
      clients.map((client) =>
        client
          .send(get("/"))
          .until("hello")
          .then(
            () => true,
            () => false,
          ),
      ),
    );
    expect(served.filter(Boolean)).toHaveLength(3);
    const other = connect({ port: server.address.port, host: "127.0.0.1", localAddress: "127.0.0.2" });
    other.write(get("/"));
    const [bytes] = (await once(other, "data")) as [Buffer];
    expect(bytes.toString()).toContain("hello");
    other.destroy();

    const last = clients[served.lastIndexOf(true)] as Peer;
    await last.accepted();
    await last.send(get("/", "Connection: close")).end();
    await last.closed();
    await open().send(get("/")).until("hello");
  });

  test("requests on one connection: the last response says Connection: close, and later requests are not parsed", async () => {
    const handler = vi.fn(hello);
    const { connect: open } = await start(handler, { maxRequestsPerConnection: 3 });
    const received = await open().send(get("/").repeat(5)).end();
    expect(received.match(/HTTP\/1\.1 200/g)).toHaveLength(3);
    expect(received.match(/Connection: close/g)).toHaveLength(1);
    expect(received.lastIndexOf("Connection: close")).toBeGreaterThan(received.lastIndexOf("HTTP/1.1 200"));
    expect(handler).toHaveBeenCalledTimes(3);
  });
});

describe("too long", () => {
  const fields = (count: number) => Array.from({ length: count }, (_, i) => `X-${i}: y`);

  test.each([
    ["a target of 10,000 bytes", get(`/${"a".repeat(9999)}`), 414],
    ["a target that does not end", `GET /${"a".repeat(10_000)}`, 414],
    ["a field of 20,000 bytes", get("/", `X: ${"a".repeat(20_000)}`), 431],
    ["a field that does not end", `GET / HTTP/1.1\r\nX: ${"a".repeat(20_000)}`, 431],
    ["thousands of fields", get("/", ...fields(1000)), 431],
    ["thousands of fields that do not end", get("/", ...fields(3000)).slice(0, -2), 431],
    ["a method that does not end", "A".repeat(100), 501],
    ["content by its Content-Length", post("/", "", "Content-Length: 101"), 413],
    ["content by an absurd Content-Length", post("/", "", "Content-Length: 999999999999999"), 413],
  ])("%s is refused before the handler", async (_name, sent, status) => {
    const handler = vi.fn(hello);
    const { connect: open } = await start(handler, { maxBodyBytes: 100 });
    const received = await open().send(sent).end();
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} (?:.+\\r\\n)*Connection: close\\r\\n`));
    expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(handler).not.toHaveBeenCalled();
  });

  test.each([
    ["content in chunks", `${CHUNKED}64\r\n${"x".repeat(100)}\r\n1\r\nx\r\n`, 413, "REQUEST_BODY_TOO_LARGE"],
    ["a chunk extension", `${CHUNKED}1;${"e".repeat(300)}`, 400, "REQUEST_BODY_MALFORMED"],
    [
      "chunk extensions without end",
      CHUNKED + `1;${"e".repeat(200)}\r\nx\r\n`.repeat(50),
      400,
      "REQUEST_BODY_MALFORMED",
    ],
    ["a chunk size of zeros without end", CHUNKED + "0".repeat(5000), 400, "REQUEST_BODY_MALFORMED"],
    ["a trailer", `${CHUNKED}0\r\nX: ${"t".repeat(20_000)}`, 400, "REQUEST_BODY_MALFORMED"],
    ["trailers without end", `${CHUNKED}0\r\n${"x-a: b\r\n".repeat(3000)}`, 400, "REQUEST_BODY_MALFORMED"],
  ])("%s fails the reader, and the connection ends", async (_name, sent, status, code) => {
    const failure = Promise.withResolvers<unknown>();
    const { connect: open } = await start(
      async (request) => {
        await readText(request).catch((error: unknown) => {
          failure.resolve(error);
          throw error;
        });
        return { status: 200 };
      },
      { maxBodyBytes: 100 },
    );
    const received = await open().send(sent).end();
    expect(await failure.promise).toMatchObject({ code });
    expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} (?:.+\\r\\n)*Connection: close\\r\\n`));
  });

  test("a request of exactly the limit is accepted", async () => {
    const { connect: open } = await start(echo, { maxBodyBytes: 5 });
    const client = open();
    await client.send(post("/", "hello", "Content-Length: 5")).until("<hello>");
    await client.send(`${CHUNKED}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n`).until("<hello>", 2);
  });

  test("unread content is drained up to the limit, then the connection closes", async () => {
    const { connect: open } = await start(hello, { maxDrainBytes: 10 });
    const client = open();
    await client.send(`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`).until("hello");
    await client.send(`${CHUNKED}b\r\nhello hello\r\n0\r\n\r\n`).end();
    expect(client.received.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });
});

async function* endless(): AsyncGenerator<Uint8Array> {
  const piece = new Uint8Array(64 * 1024);
  for (;;) yield await Promise.resolve(piece);
}

/** Waits until the system accepts no more output, because the client's window is full. */
async function full(end: Socket): Promise<void> {
  for (let before = -1; !end.writableNeedDrain || end.bytesWritten !== before;) {
    before = end.bytesWritten;
    for (let i = 0; i < 20; i++) await turn();
  }
}
