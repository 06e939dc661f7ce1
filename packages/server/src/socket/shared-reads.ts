/**
 * Reads all connections of a thread into one buffer, by the `onread` option of net.Socket, in place of 'data' events: node then neither
 * allocates a buffer for each read nor passes the bytes through a stream. What leaves this file is a copy of the bytes, or the
 * buffer itself during an upload, and what a WebSocket reads at once.
 *
 * Measured (CPU per request of the socket server, paired runs): 25% less on plaintext, 20% on echo, 19% on browser-varying, 15% on
 * pipelined; 24% less on a WebSocket echo of 64 KB.
 *
 * `onread` is documented, but node:net offers no way to use it for accepted sockets. What this relies on beyond the documentation, and
 * what happens where it is missing: docs/decisions/0065-one-buffer-for-reads.md. Without this file the sockets emit 'data'.
 */
import { channel, type Channel } from "node:diagnostics_channel";
import { type Server as NetServer, Socket, type SocketConstructorOpts } from "node:net";
import { isOtherRuntime } from "../runtime/other-runtime.ts";
import { youngGarbage } from "./young-garbage.ts";

/** As long as the buffer that node allocates for a read. */
const BUFFER_BYTES = 64 * 1024;
const BUFFER: Buffer = Buffer.alloc(BUFFER_BYTES);

/** From so many bytes on, a read is long: its bytes take at least half of a buffer. */
const LONG_READ_BYTES = BUFFER_BYTES / 2;

/** After so many long reads, a connection reads into buffers of its own. */
const SHARED_LONG_READS = 2;

/** After so many short reads in a row, it reads into the shared buffer again: one is the end of a content, before the next one. */
const OWN_SHORT_READS = 2;

/** Where node reports each accepted socket. */
const ACCEPTED: Channel = channel("net.server.socket");

/** The connection on a socket. */
interface Reader {
  /** Whether a WebSocket has taken the socket over. */
  readonly isWebSocket: boolean;
  read(bytes: Buffer): void;
  /** Reads bytes of a WebSocket, changes them, and keeps none. @returns false where the stream of the socket has to have them. */
  readFrames(bytes: Buffer): boolean;
}

/** Node's handle of an accepted connection. */
interface ClientHandle {
  readonly useUserBuffer?: unknown;
}

type OnConnection = (this: unknown, error: number, client: ClientHandle | undefined) => void;

/**
 * From now on, connections that the listener accepts are given to `accept`, and not to its 'connection' listeners. It does not count
 * them either: its 'close' event does not wait for them.
 * @param listener of TCP or a Unix domain socket; it listens.
 * @param accept returns `null` where it has destroyed the socket.
 * @returns whether it is possible on this runtime. If not, the listener is as it was.
 */
export function acceptIntoOneBuffer(listener: NetServer, accept: (socket: Socket) => Reader | null): boolean {
  // oxlint-disable-next-line no-underscore-dangle -- the name is node's
  const handle = (listener as unknown as { readonly _handle?: { onconnection?: OnConnection } | null })._handle;
  const acceptByStream = handle?.onconnection;
  if (isOtherRuntime() || handle === null || handle === undefined || acceptByStream === undefined) return false;
  handle.onconnection = function onconnection(error, client) {
    if (error === 0 && typeof client?.useUserBuffer === "function") open(listener, client, accept);
    else acceptByStream.call(this, error, client);
  };
  return true;
}

/**
 * The buffers that one connection reads into: the shared one, and during an upload buffers of its own, which leave with their bytes in
 * place of a copy.
 *
 * Measured (CPU, paired runs): 7 and 8% less for each MB of an upload of 1 MB, 9 to 17% less for a chunked request of 64 KB.
 */
class ReadBuffers {
  #next: Buffer | null = BUFFER;
  #longReads = 0;
  /** Since the last long read. */
  #shortReads = 0;

  /** What node asks for behind each read. It keeps the buffer that it has where this gives none. */
  next(): Buffer {
    const next = this.#next;
    this.#next = null;
    return next as Buffer;
  }

  /** The bytes of a read, in memory that nothing else is read into. */
  take(buffer: Buffer, length: number): Buffer {
    if (length < LONG_READ_BYTES) {
      if (++this.#shortReads === OWN_SHORT_READS) {
        this.#longReads = 0;
        this.#next = BUFFER;
      }
    } else {
      this.#shortReads = 0;
      if (++this.#longReads >= SHARED_LONG_READS) {
        youngGarbage.add(BUFFER_BYTES);
        this.#next = Buffer.allocUnsafeSlow(BUFFER_BYTES);
        if (buffer !== BUFFER) return buffer.subarray(0, length);
      }
    }
    youngGarbage.add(length);
    const bytes = Buffer.allocUnsafe(length);
    buffer.copy(bytes, 0, 0, length);
    return bytes;
  }
}

function open(listener: NetServer, handle: ClientHandle, accept: (socket: Socket) => Reader | null): void {
  let reader: Reader | null = null;
  const buffers = new ReadBuffers();
  const options: SocketConstructorOpts = {
    // Node's types know the handles alone that an application can create.
    handle: handle as unknown as NonNullable<SocketConstructorOpts["handle"]>,
    allowHalfOpen: true,
    onread: {
      buffer: () => buffers.next(),
      callback: (length: number, buffer: Uint8Array): boolean => {
        if (reader === null) return true;
        const { isWebSocket } = reader;
        const read = buffer as Buffer;
        if (isWebSocket && reader.readFrames(read.subarray(0, length))) return true;
        const bytes = buffers.take(read, length);
        if (isWebSocket) return socket.push(bytes);
        reader.read(bytes);
        return true;
      },
    },
  };
  const socket: Socket = new Socket(options);
  socket.setNoDelay();
  // As node does it: the local address of a Unix domain socket is that of its listener.
  (socket as { server?: NetServer }).server = listener;
  reader = accept(socket);
  if (ACCEPTED.hasSubscribers) ACCEPTED.publish({ socket });
}
