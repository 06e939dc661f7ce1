import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, type Server as NetServer, type Socket } from "node:net";
import { readBytes } from "@tsgi/gateway-spec/body";
import { messages } from "@tsgi/gateway-spec/websocket";
import { afterEach, expect, test } from "vitest";
import { turn } from "../../test/accepted-sockets.ts";
import { socketServers } from "../../test/socket-servers.ts";
import { get } from "../../test/wire-client.ts";
import { acceptIntoOneBuffer } from "./shared-reads.ts";

const { start } = socketServers();

const listeners: NetServer[] = [];
afterEach(() => {
  for (const listener of listeners.splice(0)) listener.close();
});

async function listen(accept: (socket: Socket) => void): Promise<NetServer> {
  const listener = createServer(accept).listen(0, "127.0.0.1");
  listeners.push(listener);
  await once(listener, "listening");
  return listener;
}

function connectTo(listener: NetServer): Socket {
  const address = listener.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return connect(address.port, "127.0.0.1");
}

const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

const fill = (mark: string) => `GET /${mark.repeat(2000)} HTTP/1.1\r\nHost: a\r\n\r\n`;

test("bytes of one connection stay as they were when other connections have been read into the buffer", async () => {
  const kept: Uint8Array[] = [];
  const keptText = () => Buffer.concat(kept).toString();
  const go = Promise.withResolvers<void>();
  const { connect: open } = await start(async ({ body, url }) => {
    if (body === null) return { status: 200, body: `at ${new URL(url).pathname.slice(0, 8)}` };
    for await (const piece of body) kept.push(piece);
    await go.promise;
    return { status: 200, body: Buffer.concat(kept).toString() };
  });
  const overwrite = async () => {
    const other = open().send(fill("x"));
    await other.until("at /xxxxxxx");
  };

  const split = open().send("GET /first-half");
  await overwrite();
  split.send("-second HTTP/1.1\r\nHost: a\r\nX-Field: va");
  await overwrite();
  split.send("lue\r\n\r\n");
  await split.until("at /first-h");

  const posting = open().send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n0123456789");
  while (keptText().length < 10) await turn();
  expect(keptText()).toBe("0123456789");
  await overwrite();
  // The request behind it waits in the parser while the handler runs.
  posting.send(`abcdefghij${fill("y")}`);
  while (keptText().length < 20) await turn();
  expect(keptText()).toBe("0123456789abcdefghij");
  await overwrite();
  go.resolve();
  await posting.until("0123456789abcdefghij");
  await posting.until("at /yyyyyyy");
});

test("content longer than the buffer arrives unchanged", async () => {
  const { connect: open } = await start(async (request) => ({ status: 200, body: await readBytes(request) }));
  const content = Array.from({ length: 40_000 }, (_, index) => String(index)).join(" ");
  const client = open().send(
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${content.length}\r\nConnection: close\r\n\r\n`,
  );
  client.send(content);
  const received = await client.end();
  expect(received.slice(received.indexOf("\r\n\r\n") + 4) === content).toBe(true);
});

test("uploads that arrive at the same time do not mix, and what follows them on their connections is read", async () => {
  const { connect: open } = await start(async (request) => {
    const pieces: Uint8Array[] = [];
    // They are kept until all have been received: no later read may change them.
    for await (const piece of request.body ?? []) pieces.push(piece);
    return { status: 200, body: `<${digest(Buffer.concat(pieces))}>` };
  });
  await Promise.all(
    ["a", "b", "c", "d"].map(async (mark) => {
      const content = Array.from({ length: 100_000 }, (_, index) => `${mark}${index}`).join(" ");
      const upload = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${content.length}\r\n\r\n${content}`;
      const client = open();
      for (const times of [1, 2, 3]) await client.send(upload).until(`<${digest(Buffer.from(content))}>`, times);
      await client.send(get("/", "Connection: close")).until(`<${digest(new Uint8Array(0))}>`);
    }),
  );
});

test("long contents in chunks, one after the other on a connection, stay as they were when later ones have been read", async () => {
  const kept: Uint8Array[][] = [];
  const { connect: open } = await start(async ({ body, url }) => {
    const pieces: Uint8Array[] = [];
    for await (const piece of body ?? []) pieces.push(piece);
    kept[Number(new URL(url).pathname.slice(1))] = pieces;
    return { status: 200, body: `<received ${url}>` };
  });
  // Each is longer than the buffer by its last bytes, so that a long read and a short one take turns.
  const contents = Array.from({ length: 12 }, (_, index) => `${index},`.repeat(5000).slice(0, 4096).repeat(16));
  const clients = [open(), open()];
  for (const [index, content] of contents.entries()) {
    const chunks = content.replaceAll(/[^]{4096}/g, (chunk) => `1000\r\n${chunk}\r\n`);
    const client = clients[index % clients.length] ?? open();
    client.send(`POST /${index} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
    await client.until(`/${index}>`);
  }
  expect(kept.map((pieces) => digest(Buffer.concat(pieces)))).toEqual(
    contents.map((text) => digest(Buffer.from(text))),
  );
});

test("a WebSocket reads the bytes behind the handshake first", async () => {
  const received: unknown[] = [];
  const { connect: open } = await start((_request, exchange) => {
    const upgrade = exchange.upgradeWebSocket?.();
    if (upgrade === undefined) return { status: 200, body: "no WebSocket" };
    void (async () => {
      for await (const message of messages(upgrade.socket)) received.push(message);
    })();
    return upgrade.response;
  });
  // A text frame with a mask of zeros (RFC 6455 §5.2).
  const frame = (text: string) => `\x81${String.fromCharCode(0x80 | text.length)}\0\0\0\0${text}`;
  const client = open().send(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n${frame("behind the head")}`,
  );
  await client.until("101 Switching Protocols");
  client.send(frame("one")).send(frame("two"));
  while (received.length < 3) await turn();
  expect(received).toEqual(["behind the head", "one", "two"]);
});

test("a connection is accepted as node does it where its handle cannot read into a buffer", async () => {
  const accepted = Promise.withResolvers<Socket>();
  const listener = await listen(accepted.resolve);
  const { _handle: handle } = listener as unknown as {
    readonly _handle: { onconnection: (error: number, client: object) => void };
  };
  expect(acceptIntoOneBuffer(listener, () => null)).toBe(true);
  const { onconnection } = handle;
  handle.onconnection = function withoutUserBuffer(error, client) {
    onconnection.call(this, error, Object.assign(client, { useUserBuffer: undefined }));
  };
  const client = connectTo(listener).end("bytes");
  const socket = await accepted.promise;
  const [bytes] = (await once(socket, "data")) as [Buffer];
  expect(bytes.toString()).toBe("bytes");
  client.destroy();
});

test("a listener without node's handle keeps its listeners of 'connection'", () => {
  expect(acceptIntoOneBuffer(createServer(), () => null)).toBe(false);
});
