/** The writing side of a connection: as few writes as can be, and a word when the client is slower than we are. */
import type { Socket } from "node:net";

/** Longest text kept back to go out with more, in characters. */
const MAX_KEPT = 64 * 1024;

/** Longest piece that is copied to go out with the text around it. Up to here the copy costs no more than a second buffer. */
const MAX_COPIED = 4096;

export class Outbox {
  readonly #socket: Socket;
  /** Not yet given to the socket; a byte a character. */
  #text = "";
  #corked = false;
  #writable: PromiseWithResolvers<void> | null = null;
  /** What the system had taken of our bytes when it was last looked at, and when that was; -1 where nothing waited to be taken. */
  #taken = -1;
  #takenAt = 0;
  /** Whether the socket has more than it wants to hold: the client does not read as fast as we write. */
  blocked = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Text of ASCII or Latin-1, kept until {@link flush}. */
  text(text: string): void {
    this.#text += text;
    if (this.#text.length > MAX_KEPT) this.#spill();
  }

  /** Text that is sent as UTF-8. */
  unicode(text: string): void {
    if (text.length <= MAX_COPIED / 2) {
      this.bytes(Buffer.from(text));
      return;
    }
    this.#spill();
    this.#written(this.#socket.write(text, "utf8"));
  }

  bytes(bytes: Uint8Array): void {
    if (bytes.byteLength <= MAX_COPIED) {
      this.text(latin1(bytes));
      return;
    }
    this.#spill();
    this.#written(this.#socket.write(bytes));
  }

  /** @param done called when all so far is in the system's hands; not where the connection is lost before. */
  flush(done?: () => void): void {
    if (done !== undefined) {
      this.#written(
        this.#socket.write(this.#text, "latin1", (error) => {
          if (error === null || error === undefined) done();
        }),
      );
      this.#text = "";
    } else if (this.#text !== "") {
      this.#written(this.#socket.write(this.#text, "latin1"));
      this.#text = "";
    }
    if (this.#corked) {
      this.#corked = false;
      this.#socket.uncork();
    }
  }

  /**
   * For how long the client has taken nothing of what waits for it, as far as is known from one look to the next; `null` where
   * nothing waits. What it sends meanwhile does not count.
   */
  unreadMs(now: number): number | null {
    const waiting = this.#socket.writableLength;
    const taken = waiting === 0 ? -1 : this.#socket.bytesWritten - waiting;
    if (taken !== this.#taken) {
      this.#taken = taken;
      this.#takenAt = now;
    }
    return waiting === 0 ? null : now - this.#takenAt;
  }

  /** Settles when the client has caught up, or is gone. */
  writable(): Promise<void> {
    return this.blocked ? (this.#writable ??= Promise.withResolvers<void>()).promise : Promise.resolve();
  }

  unblock(): void {
    this.blocked = false;
    this.#writable?.resolve();
    this.#writable = null;
  }

  /** Several writes become one system call. */
  #spill(): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
    }
    if (this.#text === "") return;
    this.#written(this.#socket.write(this.#text, "latin1"));
    this.#text = "";
  }

  #written(room: boolean): void {
    if (!room) this.blocked = true;
  }
}

function latin1({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString("latin1");
}
