/** The TLS handshakes of a listener: counted, timed and terminated like the connections that follow them; and new certificates. */
import type { Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import type { Logger } from "@tsgi/gateway-spec";
import { CLIENT_ADDRESS, clientAddress } from "@tsgi/gateway-spec/server-kit";
import type { Limits } from "../options.ts";
import type { Certificates } from "./certificates.ts";

/** How often the files of certificates are checked for a change. */
const CHECK_FILES_MS = 5000;

interface Context {
  readonly limits: Limits;
  readonly logger: Logger;
  /** Replaces `handshakeTimeoutMs` while the server drains, if it is shorter. */
  readonly drainIdleMs: number;
}

interface Handshake {
  readonly tcp: Socket;
  readonly since: number;
}

export class TlsHandshakes {
  readonly #listener: Server;
  readonly #certificates: Certificates;
  readonly #context: Context;
  /** By the client's address and port: node does not say which TCP socket is beneath a TLS socket. */
  readonly #running = new Map<string, Handshake>();
  /** Coarse: milliseconds, as of the last sweep. */
  #now = 0;
  #checkedAt = 0;

  /**
   * @param admits whether a client that has just connected is accepted.
   * @param secured takes the TLS socket when its handshake is complete. It can be reset like a TCP socket.
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
    // Before node's own listener, which starts the handshake.
    listener.prependListener("connection", (tcp: Socket) => {
      if (admits(tcp)) this.#start(tcp);
      else tcp.destroy();
    });
    // Before node's own listener, which starts to read.
    listener.prependListener("secureConnection", (socket) => {
      const tcp = this.#take(socket);
      if (tcp === null) {
        socket.destroy();
        return;
      }
      // Node's own method throws, because only TCP has a reset. Without a reset, a client that does not require close_notify takes a
      // truncated response for a complete one.
      socket.resetAndDestroy = () => {
        tcp.resetAndDestroy();
        return socket;
      };
      // The PROXY header came before the handshake.
      if (CLIENT_ADDRESS in tcp) Object.assign(socket, { [CLIENT_ADDRESS]: tcp[CLIENT_ADDRESS] });
      secured(socket);
    });
    listener.on("tlsClientError", (error: NodeJS.ErrnoException, socket) => {
      this.#failed(error, socket);
    });
  }

  /** The number of running handshakes. */
  get size(): number {
    return this.#running.size;
  }

  /** Destroys the sockets of handshakes that take too long, and checks the files of certificates. */
  sweep(now: number, draining: boolean): void {
    this.#now = now;
    const { limits, logger, drainIdleMs } = this.#context;
    const timeoutMs = draining ? Math.min(drainIdleMs, limits.handshakeTimeoutMs) : limits.handshakeTimeoutMs;
    for (const [key, { tcp, since }] of this.#running) {
      if (now - since <= timeoutMs) continue;
      if (!draining) logger.warn(refusalLine(tcp, "the handshake did not end in time"));
      this.#running.delete(key);
      tcp.destroy();
    }
    if (now - this.#checkedAt < CHECK_FILES_MS) return;
    this.#checkedAt = now;
    void this.#certificates.check(this.#listener);
  }

  /** Destroys the sockets of all running handshakes, at the deadline of the shutdown. */
  terminate(): void {
    for (const { tcp } of this.#running.values()) tcp.destroy();
  }

  #start(tcp: Socket): void {
    const key = keyOf(tcp);
    // The client is gone already.
    if (key === null) return void tcp.destroy();
    const handshake = { tcp, since: this.#now };
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

  /** Node has a timeout of its own, two minutes, and leaves the socket open after it. */
  #failed({ code, message }: NodeJS.ErrnoException, socket: TLSSocket): void {
    // Node's types promise an error, which is there only where the certificate of the client was refused.
    const refused = socket.authorizationError as unknown;
    const tcp = this.#take(socket) ?? socket;
    if (typeof refused === "string") this.#context.logger.warn(refusalLine(tcp, `its certificate: ${refused}`));
    // A load balancer that checks whether the port is open closes the connection again: no line for that.
    else if (code !== "ECONNRESET") this.#context.logger.warn(refusalLine(tcp, code ?? message));
    socket.destroy();
  }
}

function refusalLine(socket: Socket, reason: string): string {
  const client = clientAddress(socket);
  return `Refused a TLS connection from ${client?.transport === "tcp" ? client.hostname : "a client"}: ${reason}`;
}

function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string | null {
  return remoteAddress === undefined ? null : `${remoteAddress} ${remotePort} ${localAddress}`;
}
