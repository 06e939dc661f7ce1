/** Whether bytes of a connection have moved between two sweeps. */

/** The counters of a socket of node:net. */
interface ByteCounters {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Bytes that are written, and that the system has not taken yet. */
  readonly writableLength: number;
}

export class Activity {
  #bytesSeen = 0;

  /**
   * Whether bytes were received or sent since the last call.
   * @param onlySent the server waits for a client that has to read: what such a client sends does not count.
   */
  hasMoved({ bytesRead, bytesWritten, writableLength }: ByteCounters, onlySent: boolean): boolean {
    const bytes = bytesWritten - writableLength + (onlySent ? 0 : bytesRead);
    const hasMoved = bytes !== this.#bytesSeen;
    this.#bytesSeen = bytes;
    return hasMoved;
  }
}
