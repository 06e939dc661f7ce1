/** The server's ends of the connections of a test, from node's diagnostics channel: a server does not expose them. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import type { Socket } from "node:net";
import { afterAll, afterEach, beforeAll } from "vitest";

/** Call it once in a test file. Returns a function that waits for the server's end of a client's connection. */
export function watchAccepted(): (client: Socket) => Promise<Socket> {
  const byClientPort = new Map<number | undefined, Socket>();
  const onAccepted = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket };
    byClientPort.set(socket.remotePort, socket);
  };
  beforeAll(() => {
    subscribe("net.server.socket", onAccepted);
  });
  afterEach(() => {
    byClientPort.clear();
  });
  afterAll(() => {
    unsubscribe("net.server.socket", onAccepted);
  });
  return async (client) => {
    if (client.connecting) await once(client, "connect");
    for (;;) {
      const end = byClientPort.get(client.localPort);
      if (end !== undefined) return end;
      await turn();
    }
  };
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
