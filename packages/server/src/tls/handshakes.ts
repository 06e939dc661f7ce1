/**
 * What stands before the connections of a TLS listener: their handshakes, counted, timed and cut like all that follows them, and
 * the certificates, renewed.
 */
import type { Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import type { Logger } from "@tsgi/gateway-spec";
import type { Limits } from "../options.ts";
import type { Certificates } from "./certificates.ts";

/** How often the files of certificates are looked at. */
const CHECK_FILES_MS = 5000;

interface Context {
  readonly limits: Limits;
  readonly logger: Logger;
  /** Coarse: milliseconds, as of the last sweep. */
  readonly now: number;
}

interface Handshake {
  readonly tcp: Socket;
  readonly since: number;
}

export class TlsHandshakes {
  readonly #listener: Server;
  readonly #certificates: Certificates;
  readonly #context: Context;
  /** By the client's address and port: node does not tell which TCP socket is beneath a TLS socket. */
  readonly #running = new Map<string, Handshake>();
  #checked: number;

  /**
   * @param admits whether a client that has just connected may go on.
   * @param secured takes what has become a TLS socket. It can be reset as any other.
   */
  constructor(
    listener: Server,
    certificates: Certificates,
    context: Context,
    admits: (tcp: Socket) => boolean,
    secured: (socket: TLSSocket) => void,
  ) {
    this.#listener = listener;
    this.#certificates = certificates;
    this.#context = context;
    this.#checked = context.now;
    // Before node's own, which begins the handshake.
    listener.prependListener("connection", (tcp: Socket) => {
      if (admits(tcp)) this.#begin(tcp);
      else tcp.destroy();
    });
    // Before node's own, which begins to read.
    listener.prependListener("secureConnection", (socket) => {
      const tcp = this.#take(socket);
      if (tcp === null) {
        socket.destroy();
        return;
      }
      // Node's own throws: only TCP has a reset. Without one, a client that does not ask for close_notify takes a cut for an end.
      socket.resetAndDestroy = () => {
        tcp.resetAndDestroy();
        return socket;
      };
      secured(socket);
    });
    listener.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      this.#failed(error, socket);
    });
  }

  /** Handshakes under way. */
  get size(): number {
    return this.#running.size;
  }

  sweep(now: number, draining: boolean): void {
    const { limits, logger } = this.#context;
    const timeoutMs = draining ? Math.min(limits.drainIdleMs, limits.handshakeTimeoutMs) : limits.handshakeTimeoutMs;
    for (const [key, { tcp, since }] of this.#running) {
      if (now - since <= timeoutMs) continue;
      if (!draining) logger.warn(refusal(tcp, "the handshake did not come to its end in time"));
      this.#running.delete(key);
      tcp.destroy();
    }
    if (now - this.#checked < CHECK_FILES_MS) return;
    this.#checked = now;
    void this.#certificates.check(this.#listener);
  }

  /** The shutdown deadline has passed. */
  terminate(): void {
    for (const { tcp } of this.#running.values()) tcp.destroy();
  }

  #begin(tcp: Socket): void {
    const key = keyOf(tcp);
    // It is gone already.
    if (key === null) return void tcp.destroy();
    const handshake = { tcp, since: this.#context.now };
    this.#running.set(key, handshake);
    tcp.on("close", () => {
      if (this.#running.get(key) === handshake) this.#running.delete(key);
    });
  }

  #take(socket: TLSSocket): Socket | null {
    const key = keyOf(socket);
    const handshake = key === null ? undefined : this.#running.get(key);
    if (key === null || handshake === undefined) return null;
    this.#running.delete(key);
    return handshake.tcp;
  }

  /** After its own time for a handshake, two minutes, node leaves the socket open. */
  #failed({ code, message }: NodeJS.ErrnoException, socket: TLSSocket): void {
    // Node's types promise an error that is there only where a client's certificate was refused.
    const refused = socket.authorizationError as unknown;
    // Who only looks whether the port is open, as load balancers do, is not worth a line.
    if (typeof refused === "string") this.#context.logger.warn(refusal(socket, `its certificate: ${refused}`));
    else if (code !== "ECONNRESET") this.#context.logger.warn(refusal(socket, code ?? message));
    socket.destroy();
  }
}

function refusal({ remoteAddress = "a client" }: Socket, reason: string): string {
  return `Refused a TLS connection from ${remoteAddress}: ${reason}`;
}

function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string | null {
  return remoteAddress === undefined ? null : `${remoteAddress} ${remotePort} ${localAddress}`;
}
