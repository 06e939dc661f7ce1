/** The messages of a socket over the ws library, which reads control frames and does the closing handshake. */
import type { Duplex } from "node:stream";
import type { RawData, WebSocket as Frames } from "ws";
import { FrameWriter } from "./frame-writer.ts";
import { MessageReader } from "./message-reader.ts";
import type { FrameTransport, Outgoing, Sent, ServerWebSocket } from "./socket.ts";

/** A listener of 'data' events. */
export type DataListener = (bytes: Buffer) => void;

export interface WsTransportOptions {
  readonly frames: Frames;
  readonly connection: Duplex;
  readonly socket: ServerWebSocket;
  /** The listener of ws for the bytes of the connection; `undefined` where ws gets them by other means. */
  readonly wsListener: DataListener | undefined;
  readonly maxMessageBytes: number;
}

export class WsTransport implements FrameTransport {
  readonly #frames: Frames;
  readonly #writer: FrameWriter;
  #reader: MessageReader | null = null;
  #hasReceived = false;
  /** Blobs that ws is reading. What is sent meanwhile goes through ws too, which keeps the order. */
  #pendingBlobs = 0;

  constructor(options: WsTransportOptions) {
    const { frames, connection, socket, wsListener } = options;
    this.#frames = frames;
    this.#writer = new FrameWriter(connection);
    if (wsListener === undefined) this.#takeMessages(socket);
    else this.#readMessages(options, wsListener);
    frames.on("error", (error) => {
      this.#reader?.stop();
      socket.errored(error);
    });
    frames.on("close", (code, reason) => {
      socket.closed(code, reason.toString());
    });
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#frames.readyState;
  }

  get bufferedAmount(): number {
    return this.#frames.bufferedAmount;
  }

  /** Reads bytes that have arrived, changes them, and keeps none. @returns false where ws has to get them from the connection. */
  read(bytes: Buffer): boolean {
    if (this.#reader === null) return false;
    this.#hasReceived = true;
    this.#reader.read(bytes);
    return true;
  }

  /** Whether the client has sent something since the last call. */
  takeReceived(): boolean {
    const hasReceived = this.#hasReceived;
    this.#hasReceived = false;
    return hasReceived;
  }

  send(data: Outgoing, sent?: Sent): void {
    if (data instanceof Blob) {
      this.#pendingBlobs++;
      this.#frames.send(data, (error) => {
        this.#pendingBlobs--;
        sent?.(error);
      });
    } else if (this.#pendingBlobs > 0) {
      this.#frames.send(data, sent);
    } else {
      this.#writer.write(data, sent);
    }
  }

  close(code?: number, reason?: string): void {
    this.#frames.close(code, reason);
  }

  terminate(): void {
    this.#writer.flush();
    this.#frames.terminate();
  }

  pause(): void {
    this.#frames.pause();
  }

  resume(): void {
    if (this.#frames.isPaused) this.#frames.resume();
  }

  /** Takes the messages that ws reads. */
  #takeMessages(socket: ServerWebSocket): void {
    const received = () => {
      this.#hasReceived = true;
    };
    this.#frames.on("message", (raw: RawData, isBinary) => {
      received();
      // The default binaryType of ws: one Buffer.
      const bytes = raw as Buffer;
      socket.received(isBinary ? bytes : bytes.toString());
    });
    this.#frames.on("ping", received).on("pong", received);
  }

  /** Reads the messages itself, in place of ws. */
  #readMessages({ connection, socket, maxMessageBytes }: WsTransportOptions, wsListener: DataListener): void {
    this.#reader = new MessageReader({
      maxMessageBytes,
      message: (data) => {
        socket.received(data);
      },
      other: (bytes) => {
        wsListener.call(connection, bytes);
      },
    });
    connection.off("data", wsListener);
    connection.on("data", (bytes: Buffer) => {
      this.read(bytes);
    });
    // Before ws, which takes what is left in a connection that was paused.
    connection.prependListener("close", () => {
      const rest = connection.readableLength === 0 ? null : (connection.read() as Buffer | null);
      if (rest !== null) this.read(rest);
    });
  }
}
