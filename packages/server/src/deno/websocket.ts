/** A WebSocket over Deno's, which has the standard's interface. */
import { HostTransport, type HostUpgrade } from "../fetch-host/websocket.ts";
import type { Outgoing, Sent } from "../websocket/socket.ts";
import type { Deno } from "./deno.ts";

/** @returns the 101 response. @throws Deno's error for a request that cannot be upgraded. */
export function openDenoSocket(deno: Deno, request: Request, upgrade: HostUpgrade): Response {
  const { selectedProtocol: protocol, pingIntervalMs } = upgrade;
  const { socket, response } = deno.upgradeWebSocket(request, {
    ...(protocol !== undefined && { protocol }),
    // Deno sends the pings, and closes the socket of a client that sends no pong in that time.
    idleTimeout: pingIntervalMs === Number.POSITIVE_INFINITY ? 0 : Math.ceil(pingIntervalMs / 1000),
  });
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => {
    upgrade.connected(new DenoTransport(socket));
  });
  socket.addEventListener("message", ({ data }: { readonly data: unknown }) => {
    upgrade.received(typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer));
  });
  socket.addEventListener("error", (event) => {
    const { error, message } = event as Partial<ErrorEvent>;
    upgrade.errored(error instanceof Error ? error : new Error(message ?? "The WebSocket failed"));
  });
  socket.addEventListener("close", ({ code, reason }) => {
    upgrade.closed(code, reason);
  });
  return response;
}

class DenoTransport extends HostTransport {
  readonly #socket: WebSocket;

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#socket.readyState as 0 | 1 | 2 | 3;
  }

  get bufferedAmount(): number {
    return this.#socket.bufferedAmount;
  }

  /** Deno permits a server every code. */
  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  /** Deno has no way to end a connection without the closing handshake. */
  terminate(): void {
    this.#socket.close();
  }

  protected override write(data: Exclude<Outgoing, Blob>, sent: Sent | undefined): void {
    this.#socket.send(data);
    sent?.();
  }
}
