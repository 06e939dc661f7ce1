/** The writing side of a connection: few writes, notice of a client that reads slowly, and of the moment when the system has it all. */
import type { Socket } from "node:net";
import type { ExchangeError } from "@tsgi/gateway-spec";

/** Longest text kept until the next flush, in characters. */
const MAX_KEPT = 64 * 1024;

/** Longest piece that is copied into the text around it. Up to here the copy costs no more than a second buffer. */
const MAX_COPIED = 4096;

/** An exchange whose response is complete when the system has all of it. */
export interface Completion {
  succeed(): void;
  fail(error: ExchangeError): void;
}

export class WriteBuffer {
  readonly #socket: Socket;
  /**
   * Text that is not yet given to the socket, a byte a character: one piece, or a list of them. To join a list costs 20 ns a piece
   * less than to append to a string, and a list of one piece costs more than the piece.
   */
  #text = "";
  #texts: string[] = [];
  #length = 0;
  #corked = false;
  #blocked = false;
  #writable: PromiseWithResolvers<void> | null = null;
  /** Complete with what this buffer holds, and with what the socket holds. */
  #buffered: Completion[] = [];
  #written: Set<Completion> | null = null;
  /** Bytes that the system had taken when they were last counted, and when that was; `null` where none waited. */
  #taken: number | null = null;
  #takenAt = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Whether the socket holds more than it wants to: the client reads more slowly than we write. */
  get blocked(): boolean {
    return this.#blocked;
  }

  /** Whether an exchange waits for the system to take its response. */
  get isPending(): boolean {
    return this.#buffered.length > 0 || (this.#written !== null && this.#written.size > 0);
  }

  /** Text of ASCII or Latin-1, kept until {@link WriteBuffer.flush}. */
  text(text: string): void {
    if (this.#length === 0) this.#text = text;
    else if (this.#texts.length === 0) this.#texts.push(this.#text, text);
    else this.#texts.push(text);
    this.#length += text.length;
    if (this.#length > MAX_KEPT) this.#spill();
  }

  /** Content. @param bytes its length in bytes; a string is sent as UTF-8. */
  content(piece: string | Uint8Array, bytes: number): void {
    if (typeof piece === "string") {
      if (piece.length === bytes && bytes <= MAX_COPIED) this.text(piece);
      else if (bytes <= MAX_COPIED) this.text(Buffer.from(piece).toString("latin1"));
      else {
        this.#spill();
        this.#gave(this.#socket.write(piece, "utf8"));
      }
    } else if (bytes <= MAX_COPIED) {
      this.text(Buffer.from(piece.buffer, piece.byteOffset, bytes).toString("latin1"));
    } else {
      this.#spill();
      this.#gave(this.#socket.write(piece));
    }
  }

  /** Settles an exchange when the system has all that was written so far, or never will. */
  settleWhenTaken(exchange: Completion): void {
    this.#buffered.push(exchange);
  }

  /** Gives the socket what is kept. */
  flush(): void {
    if (this.#buffered.length > 0) this.#flushAndSettle();
    else if (this.#length > 0) this.#gave(this.#socket.write(this.#takeText(), "latin1"));
    if (this.#corked) {
      this.#corked = false;
      this.#socket.uncork();
    }
  }

  /** The system has taken what it did not want before, or the connection is gone. */
  unblock(): void {
    this.#blocked = false;
    this.#writable?.resolve();
    this.#writable = null;
  }

  /** `null` where more may be written now, else a promise that fulfils when the client has caught up, or is gone. */
  writable(): Promise<void> | null {
    return this.#blocked ? (this.#writable ??= Promise.withResolvers<void>()).promise : null;
  }

  /** For how long the client has taken nothing of what waits for it, from one call to the next; `null` where nothing waits. */
  unreadMs(now: number): number | null {
    const waiting = this.#socket.writableLength;
    const taken = waiting === 0 ? null : this.#socket.bytesWritten - waiting;
    if (taken !== this.#taken) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    return taken === null ? null : now - this.#takenAt;
  }

  /** The connection is lost. */
  fail(error: ExchangeError): void {
    for (const exchange of [...(this.#written ?? []), ...this.#buffered]) exchange.fail(error);
    this.#written = null;
    this.#buffered = [];
    this.unblock();
  }

  #flushAndSettle(): void {
    const settling = this.#buffered;
    this.#buffered = [];
    const written = (this.#written ??= new Set());
    for (const exchange of settling) written.add(exchange);
    // Also where the text is empty: the callback comes behind what was written before. An empty write after end() would be an error,
    // and each exchange is handed over once, so that there is none.
    this.#gave(
      this.#socket.write(this.#takeText(), "latin1", (error) => {
        if (error !== null && error !== undefined) return;
        for (const exchange of settling) {
          written.delete(exchange);
          exchange.succeed();
        }
      }),
    );
  }

  /** Several writes become one system call. */
  #spill(): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
    }
    if (this.#length > 0) this.#gave(this.#socket.write(this.#takeText(), "latin1"));
  }

  #takeText(): string {
    let text = this.#text;
    if (this.#texts.length > 0) {
      text = this.#texts.join("");
      this.#texts = [];
    }
    this.#text = "";
    this.#length = 0;
    return text;
  }

  #gave(hasRoom: boolean): void {
    if (!hasRoom) this.#blocked = true;
  }
}
