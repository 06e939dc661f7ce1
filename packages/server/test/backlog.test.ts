/** A stop while connections wait in the backlog: the client's side is connected, and the server has not accepted it yet. */
import { channel } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Handler, Server } from "@tsgi/gateway-spec";
import { afterEach, describe, expect, test, vi } from "vitest";
import { listen as listenNode } from "../src/node-http/listen.ts";
import type { SocketServeOptions } from "../src/options.ts";
import { BACKLOG } from "../src/runtime/bind.ts";
import { SYSTEM_CLOCK } from "../src/runtime/clock.ts";
import { listen as listenSocket } from "../src/socket/listen.ts";
import { selfSigned } from "../src/tls/self-signed.ts";
import { turn, watchAccepted } from "./accepted-sockets.ts";
import { ManualClock } from "./manual-clock.ts";
import { get, WireClient } from "./wire-client.ts";

const CLIENTS = 50;

const logger = { info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const clients: WireClient[] = [];
afterEach(() => {
  for (const { socket } of clients.splice(0)) socket.destroy();
});

/** Where node reports each accepted socket. */
const ACCEPTED = channel("net.server.socket");

const endOf = watchAccepted();

function connectTo(server: Server): Socket {
  const client = new WireClient(server.address);
  clients.push(client);
  return client.socket;
}

const hello: Handler = () => ({ status: 200, body: "hello" });

/** Connects without a turn of the event loop, so that the server cannot accept. */
async function fillBacklog({ address }: Server, secure: boolean): Promise<readonly WireClient[]> {
  if (address.transport !== "tcp") throw new Error("no port");
  const { hostname: host, port } = address;
  const opened = Array.from({ length: CLIENTS }, () =>
    secure ? new WireClient(address, connectTls({ host, port, rejectUnauthorized: false })) : new WireClient(address),
  );
  clients.push(...opened);
  // Node connects in the next tick. On the loopback interface the handshake of TCP is complete then.
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
  return opened;
}

describe.each<[string, typeof listenNode, SocketServeOptions]>([
  ["the socket server", listenSocket, {}],
  ["the socket server over TLS", listenSocket, { tls: selfSigned() }],
  ["the node server", listenNode, {}],
  ["the node server over TLS", listenNode, { tls: selfSigned() }],
])("%s", (_name, listen, options) => {
  test("responds on every connection that was complete before close()", async () => {
    // A shutdown gives a handshake drainIdleMs, a second by default: fifty of them may take longer on a busy machine.
    const server = await listen(hello, { logger, drainIdleMs: 60_000, ...options }, SYSTEM_CLOCK);
    const opened = await fillBacklog(server, options.tls !== undefined);
    const closed = server.close();
    const received = await Promise.all(opened.map((client) => client.send(get("/")).end()));
    expect(received.filter((text) => /\r\nConnection: close\r\n[^]*hello$/i.test(text))).toHaveLength(CLIENTS);
    await closed;
  });

  test("ends at the deadline, also while clients connect in every turn", async () => {
    const clock = new ManualClock();
    const server = await listen(hello, { logger, ...options }, clock);
    const { server: listener } = (await endOf(connectTo(server))) as Socket & { readonly server?: unknown };
    let accepted = 0;
    let isOver = false;
    const accept = () => {
      accepted++;
      ACCEPTED.publish({ socket: { server: listener } });
      if (!isOver) setImmediate(accept);
    };
    setImmediate(accept);
    const closed = server.close({ timeoutMs: 1000 });
    await turn();
    clock.advance(1000);
    await closed;
    isOver = true;
    expect(accepted).toBeLessThan(BACKLOG);
  });

  test("accepts none after that", async () => {
    const server = await listen(hello, { logger, ...options }, SYSTEM_CLOCK);
    await server.close();
    const late = new WireClient(server.address);
    clients.push(late);
    expect(await late.end()).toBe("");
  });
});
