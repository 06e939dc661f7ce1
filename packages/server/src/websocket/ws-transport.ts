/** The messages of a socket over the ws library, which reads frames and does the closing handshake. */
import type { Duplex } from "node:stream";
import type { RawData, WebSocket as Frames } from "ws";
import { FrameWriter } from "./frame-writer.ts";
import type { FrameTransport, Outgoing, Sent, ServerWebSocket } from "./socket.ts";

export class WsTransport implements FrameTransport {
  readonly #frames: Frames;
  readonly #writer: FrameWriter;
  /** Blobs that ws is reading. What is sent meanwhile goes through ws too, which keeps the order. */
  #pendingBlobs = 0;

  constructor(frames: Frames, connection: Duplex, socket: ServerWebSocket) {
    this.#frames = frames;
    this.#writer = new FrameWriter(connection);
    frames.on("message", (raw: RawData, isBinary) => {
      // The default binaryType of ws: one Buffer.
      const bytes = raw as Buffer;
      socket.received(isBinary ? bytes : bytes.toString());
    });
    frames.on("error", (error) => {
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
}
