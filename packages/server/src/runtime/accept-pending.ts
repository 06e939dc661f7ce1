/** Accepts what waits in the backlog of a listener that is going to close: the system resets such connections at the close. */
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Server as NetServer, Socket } from "node:net";
import { BACKLOG } from "./bind.ts";

/** Where node, and socket/shared-reads.ts, report each accepted socket. */
const ACCEPTED = "net.server.socket";

/**
 * Fulfils when a turn of the event loop has accepted no connection, at the latest after as many turns as the backlog has places: libuv
 * accepts one connection in each turn. The first turn does not count, because the present one may be past its poll for connections.
 */
export async function acceptPending(listener: NetServer): Promise<void> {
  let accepted = 0;
  const count = (message: unknown) => {
    const { socket } = message as { readonly socket: Socket & { readonly server?: unknown } };
    if (socket.server === listener) accepted++;
  };
  subscribe(ACCEPTED, count);
  try {
    await turnOfEventLoop();
    for (let turn = 0; turn < BACKLOG; turn++) {
      const before = accepted;
      await turnOfEventLoop();
      if (accepted === before) break;
    }
  } finally {
    unsubscribe(ACCEPTED, count);
  }
}

function turnOfEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
