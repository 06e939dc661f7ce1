import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, describe, expect, test, vi } from "vitest";
import { readText } from "../../body.ts";
import type { Handler, IncomingRequest } from "../../index.ts";
import { toNode, type ToNodeOptions } from "../../adapters/node/index.ts";

const quiet = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function client(handler: Handler, options?: ToNodeOptions): Promise<Socket> {
  const server = createServer(toNode(handler, { logger: quiet, ...options }));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  return socket.on("error", () => undefined);
}

const HEAD = "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n";
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`;

describe.each([
  ["read at once", () => undefined],
  ["read when node has buffered some", () => turn()],
])("content that is %s", (_name, ready) => {
  const echo: Handler = async (request) => {
    await ready();
    return { status: 200, body: await readText(request) };
  };

  test("is whole and in order, in whatever pieces it arrives", async () => {
    const socket = await client(echo);
    socket.setNoDelay(true);
    for (const piece of [CHUNKED, "2\r\nab\r", "\n1\r\nc\r\n0\r\n", "\r\n"]) {
      socket.write(piece);
      await turn();
    }
    expect(await text(socket)).toMatch(/\r\n\r\nabc$/);
  });

  test("is followed by its trailers", async () => {
    const socket = await client(async (request) => {
      await ready();
      const content = await readText(request);
      return { status: 200, body: content + ((await request.trailers)?.get("x-sum") ?? "") };
    });
    socket.write(`${CHUNKED}1\r\na\r\n0\r\nX-Sum: 5\r\n\r\n`);
    expect(await text(socket)).toMatch(/\r\n\r\na5$/);
  });

  test("waits for a slow reader: the client can send no more than the buffers between them hold", async () => {
    const started = Promise.withResolvers<IncomingRequest>();
    const go = Promise.withResolvers<void>();
    const length = 64 * 1024 * 1024;
    const socket = await client(async (request) => {
      await ready();
      let received = 0;
      for await (const piece of request.body ?? []) {
        started.resolve(request);
        await go.promise;
        received += piece.byteLength;
      }
      return { status: 200, body: String(received) };
    });
    socket.write(`${HEAD}Content-Length: ${length}\r\n\r\n`);
    const written = new Promise((resolve) => socket.write(Buffer.alloc(length), resolve));
    await started.promise;
    // A server that read without bound would have read it all after so many turns.
    for (let turns = 0; turns < 2000; turns++) await turn();
    expect(await Promise.race([written.then(() => "written"), turn("waiting")])).toBe("waiting");
    go.resolve();
    expect(await text(socket)).toMatch(new RegExp(`\r\n\r\n${length}$`));
  });

  test("settles concurrent pulls in their order", async () => {
    const socket = await client(async (request) => {
      await ready();
      const reader = request.body?.[Symbol.asyncIterator]();
      const results = await Promise.all([reader?.next(), reader?.next(), reader?.next()]);
      return { status: 200, body: results.map((result) => String(result?.value ?? "end")).join(" ") };
    });
    socket.write(CHUNKED);
    socket.write("1\r\na\r\n0\r\n\r\n");
    expect(await text(socket)).toMatch(/\r\n\r\na end end$/);
  });

  test("is refused with 413 beyond the limit", async () => {
    const socket = await client(echo, { maxBodyBytes: 2 });
    socket.write(`${CHUNKED}3\r\nabc\r\n0\r\n\r\n`);
    expect(await text(socket)).toMatch(/^HTTP\/1.1 413 /);
  });

  test("is not read beyond the buffers after a reader that leaves early", async () => {
    const left = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const length = 64 * 1024 * 1024;
    const socket = await client(async (request) => {
      await ready();
      if (request.body !== null) for await (const _ of request.body) break;
      left.resolve();
      await go.promise;
      return { status: 200 };
    });
    socket.write(`${HEAD}Content-Length: ${length}\r\n\r\n`);
    const written = new Promise((resolve) => socket.write(Buffer.alloc(length), resolve));
    await left.promise;
    for (let turns = 0; turns < 2000; turns++) await turn();
    expect(await Promise.race([written.then(() => "written"), turn("waiting")])).toBe("waiting");
    go.resolve();
  });

  test("fails when the client is gone", async () => {
    const failed = Promise.withResolvers<unknown>();
    const reading = Promise.withResolvers<void>();
    const socket = await client(async (request) => {
      await ready();
      try {
        for await (const _ of request.body ?? []) reading.resolve();
      } catch (error) {
        failed.resolve(error);
      }
      return { status: 200 };
    });
    socket.write(`${HEAD}Content-Length: 9\r\n\r\nabc`);
    await reading.promise;
    socket.destroy();
    expect(await failed.promise).toMatchObject({ name: "ExchangeError", code: "CLIENT_DISCONNECTED" });
  });

  test("is drained after a reader that leaves early, and the connection goes on", async () => {
    const socket = await client(async (request) => {
      await ready();
      if (request.body !== null) for await (const _ of request.body) break;
      return { status: 200, body: request.method };
    });
    socket.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n");
    expect(String((await once(socket, "data"))[0])).toMatch(/POST$/);
    socket.write("2\r\nbc\r\n0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(await text(socket)).toMatch(/^HTTP\/1.1 200 [^]*GET$/);
  });
});
