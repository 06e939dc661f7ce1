/** Binds a listener to the address of the options. */
import { lstat, rm } from "node:fs/promises";
import { connect, type Server as NetServer } from "node:net";
import type { Lifespan } from "@tsgi/gateway-spec/server-kit";
import type { SocketServeOptions } from "../options.ts";

/** Connections that the system holds until they are accepted. Linux caps it by net.core.somaxconn, 4096 by default. */
export const BACKLOG = 4096;

/**
 * Resolves when the listener listens. A socket file on which no process listens any more is replaced.
 * @throws node's error, such as `EADDRINUSE` or `EACCES`.
 */
export async function bind(listener: NetServer, options: SocketServeOptions): Promise<void> {
  const { hostname: host = "127.0.0.1", port = 0, path, fd } = options;
  if (fd !== undefined) return listen(listener, { fd });
  if (path === undefined) return listen(listener, { host, port });
  await replaceStale(path, () => listen(listener, { path }));
}

/**
 * Listens, and once more where the path is a socket file on which no process listens any more: it is removed.
 * @param path `undefined` for TCP.
 * @throws what `listen` throws.
 */
export async function replaceStale<T>(path: string | undefined, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    const isUsed = (error as NodeJS.ErrnoException).code === "EADDRINUSE";
    if (path === undefined || !isUsed || !(await isStale(path))) throw error;
    await rm(path);
    return listen();
  }
}

function listen(
  listener: NetServer,
  address: { readonly host: string; readonly port: number } | { readonly path: string } | { readonly fd: number },
): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once("error", reject);
    // A separate argument: node ignores `backlog` in the options beside a descriptor.
    listener.listen(address, BACKLOG, () => {
      listener.off("error", reject);
      resolve();
    });
  });
}

/** Shuts down an application whose server cannot listen. An error of `shutdown` is logged, and does not replace the reason. */
export async function closeUnserved(lifespan: Lifespan): Promise<void> {
  try {
    await lifespan.close();
  } catch (error) {
    lifespan.logger.error("The shutdown of the application failed", error);
  }
}

/** Whether the path is a socket file that a process left behind: a connection to it is refused. */
async function isStale(path: string): Promise<boolean> {
  if (!(await lstat(path)).isSocket()) return false;
  return new Promise((resolve) => {
    const client = connect(path);
    client.once("connect", () => {
      client.destroy();
      resolve(false);
    });
    client.once("error", (error: NodeJS.ErrnoException) => {
      resolve(error.code === "ECONNREFUSED");
    });
  });
}
