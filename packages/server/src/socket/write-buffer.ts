/** The writing side of a connection: few writes, notice of a client that reads slowly, and of the moment when the system has it all. */
import type { Socket } from "node:net";
import type { ExchangeError } from "@tsgi/gateway-spec";
import { canShareWrites, type Piece, SHARED_BYTES, writeShared } from "./shared-writes.ts";

/** Most bytes kept until the next flush. */
const MAX_KEPT_BYTES = SHARED_BYTES;

/** Longest content that is joined with the text around it as a string: up to here that costs no more than a second write. */
const MAX_JOINED_BYTES = 4096;

/** The same in the shared buffer. */
const MAX_SHARED_CONTENT_BYTES = 32 * 1024;

const NONE: Piece[] = [];

/** An exchange whose response is complete when the system has all of it. */
export interface Completion {
  succeed(): void;
  fail(error: ExchangeError): void;
}

export class WriteBuffer {
  readonly #socket: Socket;
  readonly #sharesWrites: boolean;
  /**
   * What is not yet given to the socket: one piece, or a list of them. To join a list costs 20 ns a piece less than to append to a
   * string, and a list of one piece costs more than the piece. The list is made for the second piece: a list that waits from one
   * write to the next is in no cache of the processor any more.
   */
  #piece: Piece = "";
  #pieces: Piece[] = NONE;
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

  /** @param encrypted whether it is a socket of TLS. */
  constructor(socket: Socket, encrypted: boolean) {
    this.#socket = socket;
    this.#sharesWrites = canShareWrites(encrypted);
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
    this.#keep(text);
  }

  /** Content. @param bytes its length in bytes; a string is sent as UTF-8. */
  content(piece: string | Uint8Array, bytes: number): void {
    const maxBytes = this.#mayShareWrite() ? MAX_SHARED_CONTENT_BYTES : MAX_JOINED_BYTES;
    if (bytes <= maxBytes) {
      this.#keep(typeof piece === "string" && piece.length !== bytes ? { utf8: piece, length: bytes } : piece);
    } else {
      this.#spill();
      this.#gave(this.#socket.write(piece, "utf8"));
    }
  }

  /** Settles an exchange when the system has all that was written so far, or never will. */
  settleWhenTaken(exchange: Completion): void {
    this.#buffered.push(exchange);
  }

  /** Gives the socket what is kept. */
  flush(): void {
    if (this.#buffered.length > 0) this.#flushAndSettle();
    else if (this.#length > 0) this.#writeKept();
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
    // Also where nothing is kept: the callback comes behind what was written before. An empty write after end() would be an error,
    // and each exchange is handed over once, so that there is none.
    this.#writeKept((error) => {
      if (error !== null && error !== undefined) return;
      for (const exchange of settling) {
        written.delete(exchange);
        exchange.succeed();
      }
    });
  }

  /** Gives the socket what is kept, and lets several writes become one system call. */
  #spill(): void {
    const leavesAtOnce = this.#pieces !== NONE && this.#mayShareWrite();
    if (!leavesAtOnce && !this.#corked) {
      this.#corked = true;
      this.#socket.cork();
    }
    if (this.#length > 0) this.#writeKept();
  }

  #keep(piece: Piece): void {
    if (this.#length + piece.length > MAX_KEPT_BYTES) this.#spill();
    if (this.#length === 0) this.#piece = piece;
    else if (this.#pieces === NONE) this.#pieces = [this.#piece, piece];
    else this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** Whether the socket holds no bytes and tries to give the system at once what is written. */
  #mayShareWrite(): boolean {
    return this.#sharesWrites && !this.#corked && this.#socket.writableLength === 0;
  }

  #writeKept(done?: (error: Error | null | undefined) => void): void {
    const socket = this.#socket;
    const piece = this.#piece;
    const pieces = this.#pieces;
    this.#piece = "";
    this.#pieces = NONE;
    this.#length = 0;
    if (pieces === NONE)
      this.#gave(socket.write(piece instanceof Uint8Array ? piece : latin1Of(piece), "latin1", done));
    else if (this.#mayShareWrite()) this.#gave(writeShared(socket, pieces, done));
    else this.#gave(socket.write(pieces.map(latin1Of).join(""), "latin1", done));
  }

  #gave(hasRoom: boolean): void {
    if (!hasRoom) this.#blocked = true;
  }
}

function latin1Of(piece: Piece): string {
  if (typeof piece === "string") return piece;
  const bytes =
    piece instanceof Uint8Array
      ? Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
      : Buffer.from(piece.utf8);
  return bytes.toString("latin1");
}
