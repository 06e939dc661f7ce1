/**
 * Reads back what node's ServerResponse has written: heads, and content by length, in chunks or until the end. Node's framing is
 * valid, so that bytes which this cannot read are a bug here.
 */
import { hasNoContent } from "../../server-kit/response-body.ts";

export interface WireEvents {
  /** `more` is false where no content follows. */
  head(status: number, lines: readonly [string, string][], more: boolean): void;
  content(piece: Uint8Array): void;
  /** The end by length or by the last chunk. Content that ends with the stream has no such end. */
  end(trailers: readonly [string, string][]): void;
}

type Phase = "head" | "length" | "chunk size" | "chunk" | "chunk end" | "trailers" | "stream" | "ended";

const EMPTY_LINE = Buffer.from("\r\n\r\n");
const LINE_END = Buffer.from("\r\n");

export class WireReader {
  readonly #method: string;
  readonly #events: WireEvents;
  #phase: Phase = "head";
  #rest: Buffer = Buffer.alloc(0);
  #left = 0;

  constructor(method: string, events: WireEvents) {
    this.#method = method;
    this.#events = events;
  }

  /** Reads the next bytes. Their memory must not be written to again. */
  push(bytes: Buffer): void {
    this.#rest = this.#rest.byteLength === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#step());
  }

  /** @returns whether something was read. */
  #step(): boolean {
    switch (this.#phase) {
      case "head":
        return this.#head();
      case "length":
      case "chunk":
        return this.#counted();
      case "chunk size": {
        const line = this.#takeTo(LINE_END);
        if (line === null) return false;
        this.#left = Number.parseInt(line, 16);
        this.#phase = this.#left === 0 ? "trailers" : "chunk";
        return true;
      }
      case "chunk end":
        if (this.#takeTo(LINE_END) === null) return false;
        this.#phase = "chunk size";
        return true;
      case "trailers":
        return this.#trailers();
      case "stream":
        if (this.#rest.byteLength > 0) this.#events.content(this.#take(this.#rest.byteLength));
        return false;
      case "ended":
      default:
        return false;
    }
  }

  #head(): boolean {
    const text = this.#takeTo(EMPTY_LINE);
    if (text === null) return false;
    const [statusLine = "", ...fields] = text.split("\r\n");
    const status = Number(statusLine.split(" ", 2)[1]);
    const lines = fields.map(toPair);
    const valueOf = (name: string) => lines.find(([given]) => given.toLowerCase() === name)?.[1];
    if (status < 200) {
      this.#events.head(status, lines, true);
      return true;
    }
    const length = valueOf("content-length");
    if (hasNoContent(this.#method, status) || length === "0") this.#phase = "ended";
    else if (valueOf("transfer-encoding") !== undefined) this.#phase = "chunk size";
    else if (length === undefined) this.#phase = "stream";
    else {
      this.#phase = "length";
      this.#left = Number(length);
    }
    this.#events.head(status, lines, this.#phase !== "ended");
    if (this.#phase === "ended") this.#events.end([]);
    return true;
  }

  #counted(): boolean {
    const size = Math.min(this.#left, this.#rest.byteLength);
    if (size === 0) return false;
    this.#left -= size;
    this.#events.content(this.#take(size));
    if (this.#left > 0) return false;
    if (this.#phase === "chunk") this.#phase = "chunk end";
    else {
      this.#phase = "ended";
      this.#events.end([]);
    }
    return true;
  }

  #trailers(): boolean {
    // An empty trailer section is the empty line alone.
    const text = this.#rest.indexOf(LINE_END) === 0 ? this.#takeTo(LINE_END) : this.#takeTo(EMPTY_LINE);
    if (text === null) return false;
    this.#phase = "ended";
    this.#events.end(text === "" ? [] : text.split("\r\n").map(toPair));
    return true;
  }

  #takeTo(mark: Buffer): string | null {
    const at = this.#rest.indexOf(mark);
    if (at === -1) return null;
    const text = this.#rest.toString("latin1", 0, at);
    this.#take(at + mark.byteLength);
    return text;
  }

  #take(size: number): Buffer {
    const piece = this.#rest.subarray(0, size);
    this.#rest = this.#rest.subarray(size);
    return piece;
  }
}

function toPair(line: string): [string, string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon), line.slice(colon + 1).trim()];
}
