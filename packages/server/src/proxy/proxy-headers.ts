/**
 * Reads the PROXY header of each connection before the server sees the connection, with TLS or without. The server's own listeners of
 * `connection` run when the header is complete, so a server without the option has no part of this in its way.
 */
import type { Server as NetServer, Socket } from "node:net";
import type { Address, Logger } from "@tsgi/gateway-spec";
import { CLIENT_ADDRESS, peerAddress } from "@tsgi/gateway-spec/server-kit";
import type { Limits } from "../options.ts";
import { parseProxyHeader, type ProxyHeader, ProxyHeaderError } from "./proxy-header.ts";
import { isTrustedPeer } from "./trust.ts";

interface Context {
  readonly limits: Limits;
  readonly logger: Logger;
  /** Replaces `headTimeoutMs` while the server drains, if it is shorter. */
  readonly drainIdleMs: number;
}

export class ProxyHeaders {
  readonly #context: Context;
  readonly #listener: NetServer;
  readonly #isTrusted: (peer: Address | null) => boolean;
  readonly #accept: (socket: Socket) => void;
  /** Connections whose header is not complete, with their beginning in coarse milliseconds. */
  readonly #waiting = new Map<Socket, number>();
  #now = 0;

  /**
   * To be called when the server has all of its listeners.
   * @throws TypeError where `trusted` names no addresses.
   */
  constructor(listener: NetServer, trusted: readonly string[], context: Context) {
    this.#context = context;
    this.#listener = listener;
    this.#isTrusted = isTrustedPeer(trusted);
    const listeners = listener.listeners("connection") as ((socket: Socket) => void)[];
    listener.removeAllListeners("connection");
    this.#accept = (socket) => {
      for (const accept of listeners) accept.call(listener, socket);
    };
    listener.on("connection", (socket) => {
      this.#start(socket);
    });
  }

  /** Closes connections whose header takes too long. */
  sweep(now: number, draining: boolean): void {
    this.#now = now;
    const { limits, drainIdleMs } = this.#context;
    const timeoutMs = draining ? Math.min(drainIdleMs, limits.headTimeoutMs) : limits.headTimeoutMs;
    for (const [socket, since] of this.#waiting) {
      if (now - since <= timeoutMs) continue;
      if (!draining) this.#warn(socket, "the PROXY header did not arrive in time");
      this.#waiting.delete(socket);
      socket.destroy();
    }
  }

  /** At the deadline of the shutdown. */
  terminate(): void {
    for (const socket of this.#waiting.keys()) socket.destroy();
  }

  get #isTcp(): boolean {
    const address = this.#listener.address();
    return typeof address === "object" && address !== null;
  }

  #start(socket: Socket): void {
    const peer = peerAddress(socket);
    if (peer === null && this.#isTcp) {
      socket.destroy(); // The peer is gone already.
      return;
    }
    if (!this.#isTrusted(peer)) {
      this.#warn(socket, "only a trusted proxy may connect where the PROXY protocol is expected");
      socket.destroy();
      return;
    }
    this.#waiting.set(socket, this.#now);
    let received: Buffer = Buffer.alloc(0);
    const read = () => {
      const bytes = socket.read() as Buffer | null;
      if (bytes === null) return;
      received = Buffer.concat([received, bytes]);
      const header = this.#parse(socket, received);
      if (header === null) return;
      stop();
      if (header.client !== null) Object.assign(socket, { [CLIENT_ADDRESS]: header.client });
      const rest = received.subarray(header.length);
      if (rest.length > 0) socket.unshift(rest);
      this.#accept(socket);
    };
    const destroy = () => {
      socket.destroy();
    };
    const stop = () => {
      this.#waiting.delete(socket);
      socket.off("readable", read).off("end", destroy).off("error", destroy).off("close", stop);
    };
    // In this mode the socket gives bytes only when it is asked, so none is lost before the server listens for them.
    socket.on("readable", read).on("end", destroy).on("error", destroy).on("close", stop);
  }

  /** `null` where the header is not complete, and where it is none. */
  #parse(socket: Socket, received: Buffer): ProxyHeader | null {
    try {
      return parseProxyHeader(received);
    } catch (error) {
      if (!(error instanceof ProxyHeaderError)) throw error;
      this.#warn(socket, error.message);
      socket.destroy();
      return null;
    }
  }

  #warn(socket: Socket, reason: string): void {
    const peer = peerAddress(socket);
    const name = peer?.transport === "tcp" ? peer.hostname : "a local client";
    this.#context.logger.warn(`Closed a connection from ${name}: ${reason}`);
  }
}
