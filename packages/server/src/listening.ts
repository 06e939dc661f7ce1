/** Listening, the same for every server that stands on node's listeners. */
import type { Server as NetServer } from "node:net";
import type { Address, ServeOptions } from "@tsgi/gateway-spec";

/** Settles when the listener listens; rejects with node's error (`EADDRINUSE`, `EACCES`, …) where it cannot. */
export function bind(listener: NetServer, options: ServeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    listener.once("error", reject);
    listener.listen(
      options.path === undefined
        ? { host: options.hostname ?? "127.0.0.1", port: options.port ?? 0, backlog: 4096 }
        : { path: options.path },
      () => {
        listener.off("error", reject);
        resolve();
      },
    );
  });
}

export function boundAddress(listener: NetServer): Address {
  const address = listener.address();
  if (address === null) throw new Error("The listener does not listen");
  return typeof address === "string"
    ? { transport: "unix", path: address }
    : { transport: "tcp", hostname: address.address, port: address.port };
}

/** Where a browser on this machine finds the server. */
export function serverUrl(scheme: "http" | "https", address: Address): string {
  if (address.transport === "unix") return `${scheme}+unix://${encodeURIComponent(address.path)}/`;
  const { hostname, port } = address;
  const host = hostname === "0.0.0.0" || hostname === "::" ? "localhost" : hostname;
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}/`;
}

/** A promise that settles after a time, unless it is cancelled. */
export function deadline(
  timeoutMs: number,
  clock: { every(intervalMs: number, tick: () => void): () => void },
): { readonly over: Promise<void>; readonly cancel: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.every(timeoutMs, () => {
    cancel();
    resolve();
  });
  return { over: promise, cancel };
}
