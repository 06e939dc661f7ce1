/** A WebSocket over the socket of a host, which reads frames and does the closing handshake, and cannot stop reading. */
import { type AcceptedOptions, AcceptedWebSocket, GOING_AWAY } from "../websocket/offer.ts";
import type { FrameTransport, Outgoing, Sent, ServerWebSocket } from "../websocket/socket.ts";

/** RFC 6455 §7.4.1: the peer "has received a message that is too big for it to process". */
const TOO_BIG = 1009;

/** An accepted WebSocket. The server of the host calls `connected`, `received` and `closed`. */
export class HostUpgrade extends AcceptedWebSocket {
  onClose: () => void = ignore;
  #transport: HostTransport | null = null;
  #isClosed = false;

  constructor(accepted: AcceptedOptions) {
    super(accepted, false);
  }

  get opened(): boolean {
    return this.#transport !== null;
  }

  /** The subprotocol that the handler has selected. */
  get selectedProtocol(): string | undefined {
    return this.protocol;
  }

  connected(transport: HostTransport): void {
    this.#transport = transport;
    this.serverSocket.opened(transport);
  }

  /** @param data bytes belong to the socket from now on. */
  received(data: string | Uint8Array): void {
    if (isLonger(data, this.maxMessageBytes)) this.#transport?.close(TOO_BIG, "");
    else this.serverSocket.received(data);
  }

  errored(error: Error): void {
    this.serverSocket.errored(error);
  }

  closed(code: number, reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.onClose();
    this.serverSocket.closed(code, reason);
  }

  close(): void {
    this.#transport?.close(GOING_AWAY, "");
  }

  terminate(): void {
    if (this.#transport === null || this.#isClosed) return;
    (this.serverSocket satisfies ServerWebSocket).terminate(GOING_AWAY);
    this.closed(1006, "");
  }
}

/** Sends the messages of one socket of a host in order. */
export abstract class HostTransport implements FrameTransport {
  /** What waits for a Blob to be read. */
  #pending: Promise<void> | null = null;

  abstract get readyState(): 0 | 1 | 2 | 3;
  abstract get bufferedAmount(): number;
  abstract close(code?: number, reason?: string): void;
  abstract terminate(): void;

  send(data: Outgoing, sent?: Sent): void {
    if (this.#pending === null && !(data instanceof Blob)) {
      this.write(data, sent);
      return;
    }
    const pending = this.#sendAfter(this.#pending, data, sent).finally(() => {
      if (this.#pending === pending) this.#pending = null;
    });
    this.#pending = pending;
  }

  async #sendAfter(before: Promise<void> | null, data: Outgoing, sent: Sent | undefined): Promise<void> {
    await before;
    try {
      this.write(data instanceof Blob ? await data.arrayBuffer() : data, sent);
    } catch (error) {
      sent?.(error as Error);
    }
  }

  protected abstract write(data: Exclude<Outgoing, Blob>, sent: Sent | undefined): void;
}

function isLonger(data: string | Uint8Array, limitBytes: number): boolean {
  // A character of a string takes three bytes at most.
  if (typeof data === "string") return 3 * data.length > limitBytes && Buffer.byteLength(data) > limitBytes;
  return data.byteLength > limitBytes;
}

function ignore(): void {
  // Replaced when the handshake is completed.
}
