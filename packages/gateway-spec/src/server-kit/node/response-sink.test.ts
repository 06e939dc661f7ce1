import { once } from "node:events";
import { createServer, get, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { ResponseSink } from "./response-sink.ts";

const MORE_THAN_NODE_KEEPS = new Uint8Array(8 * 1024 * 1024);

const server = createServer();
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function responding(): Promise<{ readonly res: ServerResponse; readonly sink: ResponseSink; read: () => void }> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const request = get({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
  request.on("error", () => undefined);
  const [, res] = (await once(server, "request")) as [unknown, ServerResponse];
  const head = { status: 200, lines: [], empty: false, contentLength: -1, takesTrailers: false };
  const owner = { res, responseEnded: () => undefined, handlerFailed: () => undefined };
  const sink = new ResponseSink(owner, head);
  sink.writeHead();
  return { res, sink, read: () => void request.on("response", (response) => response.resume()) };
}

test("there is room again where node has drained before the writer asks", async () => {
  const { res, sink, read } = await responding();
  const drained = once(res, "drain");
  sink.write(MORE_THAN_NODE_KEEPS);
  read();
  await drained;
  expect(sink.writable()).toBe(null);
});

test("a writer that waits for room goes on when node drains, and each of two calls does", async () => {
  const { sink, read } = await responding();
  sink.write(MORE_THAN_NODE_KEEPS);
  const first = sink.writable();
  const second = sink.writable();
  expect([first, second]).not.toContain(null);
  read();
  await first;
  await second;
  expect(sink.writable()).toBe(null);
});

test("a writer that waits for room goes on when the client is gone", async () => {
  const { sink } = await responding();
  sink.write(MORE_THAN_NODE_KEEPS);
  const room = sink.writable();
  expect(room).not.toBe(null);
  server.closeAllConnections();
  await room;
});
