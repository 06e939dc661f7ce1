/** Writes a body that comes in pieces to node's response. Node gathers the writes of one turn of the event loop itself. */
import type { ServerResponse } from "node:http";
import type { HeaderFields } from "../../index.ts";
import type { BodySink } from "../body-writer.ts";
import { type ResponseHead, writeHead } from "./response-head.ts";
import { addTrailers } from "./transport.ts";

const NO_BYTES = Buffer.alloc(0);

/** The exchange that a {@link ResponseSink} writes the response of. */
interface SinkOwner {
  readonly res: ServerResponse;
  /** The response was given to node in full. */
  responseEnded(): void;
  handlerFailed(error: unknown): void;
}

export class ResponseSink implements BodySink {
  readonly #owner: SinkOwner;
  readonly #res: ServerResponse;
  readonly #head: ResponseHead;
  #hasRoom = true;
  #waiting: PromiseWithResolvers<void> | null = null;
  #flushed = false;

  constructor(owner: SinkOwner, head: ResponseHead) {
    this.#owner = owner;
    this.#res = owner.res;
    this.#head = head;
    // From the beginning: node may drain before the writer of the body asks for room.
    const ready = () => {
      this.#hasRoom = true;
      this.#waiting?.resolve();
      this.#waiting = null;
    };
    this.#res.on("drain", ready).on("close", ready);
  }

  writeHead(): void {
    writeHead(this.#res, this.#head);
  }

  write(part: string | Uint8Array): void {
    // Node writes a head in the encoding of the string that leaves with it.
    this.#hasRoom = typeof part === "string" ? this.#res.write(part, "latin1") : this.#res.write(part);
    this.#flushed = true;
  }

  flush(): void {
    // A head that leaves alone: with flushHeaders() node would write it as UTF-8.
    if (!this.#flushed) this.#res.write(NO_BYTES);
    this.#flushed = true;
  }

  writable(): Promise<void> | null {
    return this.#hasRoom ? null : (this.#waiting ??= Promise.withResolvers<void>()).promise;
  }

  end(trailers: HeaderFields | undefined): void {
    if (trailers !== undefined) addTrailers(this.#res, trailers);
    this.#res.end();
    this.#owner.responseEnded();
  }

  failed(error: unknown): void {
    this.#owner.handlerFailed(error);
  }
}
