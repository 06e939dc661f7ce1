import { once } from "node:events";
import { createServer, type Server } from "node:net";

/** Below the ports that Linux gives to outgoing connections: one of those may take a port between this function and its use. */
const FIRST = 15_000;
const LAST = 32_000;

/**
 * Vitest runs files at the same time. Each of its workers takes ports of its own part of the range: else one takes a port that another
 * one has found free, and does not listen on yet or listens on again after a restart.
 */
const PARTS = 34;
const SIZE = (LAST - FIRST) / PARTS;
const PART = Number(process.env["VITEST_POOL_ID"] ?? 0) % PARTS;

/** A port that another call has found free may not be in use yet. */
const tried = new Set<number>();

/**
 * Ports of 127.0.0.1 that no program listens on, for servers that cannot choose one themselves. No two calls of a process give the same
 * port.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = new Map<number, Server>();
  while (servers.size < count) {
    if (tried.size === SIZE) throw new Error(`This process has asked for all of its ${SIZE} ports`);
    const port = FIRST + Math.floor((PART + Math.random()) * SIZE);
    if (tried.has(port)) continue;
    tried.add(port);
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (isFree) servers.set(port, server);
  }
  await Promise.all(
    [...servers.values()].map((server) => {
      const closed = once(server, "close");
      server.close();
      return closed;
    }),
  );
  return [...servers.keys()];
}
