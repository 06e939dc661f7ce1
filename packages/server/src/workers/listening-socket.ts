/**
 * The listening socket of all workers. The supervisor binds it and never accepts: connections wait in its backlog while no worker is
 * ready, so a reload or a crash refuses none (docs/decisions/0058-supervisor-owns-the-socket.md).
 */
import { lookup } from "node:dns/promises";
import { rm } from "node:fs/promises";
import * as net from "node:net";
import { getSystemErrorName } from "node:util";
import { replaceStale } from "../runtime/bind.ts";

export interface ListeningSocket {
  /** The descriptor, for `stdio` of a worker. */
  readonly fd: number;
  /** Closes it, and removes the file of a Unix domain socket. */
  close(): Promise<void>;
}

export interface SocketPlace {
  readonly hostname: string;
  readonly port: number;
  /** A Unix domain socket, in place of the above. */
  readonly path?: string | undefined;
  /** An inherited descriptor, in place of the above. */
  readonly fd?: number | undefined;
}

/** @throws node's error, such as `EADDRINUSE` or `ENOTFOUND`. */
export async function bindListeningSocket({ hostname, port, path, fd }: SocketPlace): Promise<ListeningSocket> {
  if (fd !== undefined) return { fd, close: () => Promise.resolve() };
  if (path !== undefined) {
    const handle = await replaceStale(path, async () => bindHandle(path, -1, -1));
    return {
      fd: handle.fd,
      close: () => {
        handle.close();
        return rm(path, { force: true });
      },
    };
  }
  const { address, family } = await lookup(hostname);
  if (typeof net.BoundSocket === "function") {
    const socket = new net.BoundSocket({ host: address, port });
    return { fd: socket.fd(), close: () => Promise.resolve(socket.close()) };
  }
  const handle = bindHandle(address, port, family);
  return { fd: handle.fd, close: () => Promise.resolve(handle.close()) };
}

interface Handle {
  readonly fd: number;
  /** Of a TCP socket. Returns an error number, or 0. */
  getsockname?(out: object): number;
  close(): void;
}

type CreateHandle = (address: string, port: number, addressType: number) => Handle | number;

/**
 * What node:cluster itself binds with. `net.BoundSocket` (nodejs/node#63951) is the public way, but Node 22 lacks it, and its types
 * lack Unix domain sockets.
 */
function bindHandle(address: string, port: number, addressType: number): Handle {
  // oxlint-disable-next-line no-underscore-dangle -- the name is node's
  const create = (net as unknown as { readonly _createServerHandle: CreateHandle })._createServerHandle;
  const handle = create(address, port, addressType);
  // libuv keeps EADDRINUSE for the first call after the one that binds.
  const errno = typeof handle === "number" ? handle : (handle.getsockname?.({}) ?? 0);
  if (typeof handle !== "number" && errno === 0) return handle;
  if (typeof handle !== "number") handle.close();
  const code = getSystemErrorName(errno);
  throw Object.assign(new Error(`listen ${code} ${address}`), { code, errno, syscall: "listen", address });
}
