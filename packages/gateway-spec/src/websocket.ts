/**
 * Reads and writes a WebSocket at the pace of its client. The standard interface cannot: it dispatches messages whether the program
 * is ready or not, and does not report when a message was sent. The sockets of our servers have `pause`, `resume` and a callback of
 * `send`, named as in the ws library, whose sockets fit too.
 *
 * @module @tsgi/gateway-spec/websocket
 */

/** A message: text, or bytes of the type that `binaryType` names. */
export type Message = string | ArrayBuffer | Blob;

/** How far the reading may run ahead of the loop. */
export interface MessagesOptions {
  /** How many messages may wait for the loop before the client is no longer read. Default 16, and 64 KiB in any case. */
  readonly maxWaiting?: number;
}

/** Members that the standard lacks. */
interface PacedWebSocket {
  pause(): void;
  resume(): void;
  send(data: Message | ArrayBufferView, sent: (error?: Error | null) => void): void;
}

const OPEN = 1;
const CLOSED = 3;

/** The size of the waiting messages beyond which the client is no longer read, in bytes or characters. */
const MAX_WAITING_SIZE = 64 * 1024;

/**
 * The messages of a socket, from now on and in order. The loop ends when the socket has closed, for whatever reason; listen for
 * `close` to know the reason. Leaving the loop closes the socket. A client that sends faster than the loop reads has to wait, if the
 * socket can be paused.
 *
 * ```ts
 * for await (const message of messages(socket)) await send(socket, message);
 * ```
 */
export function messages(
  socket: WebSocket,
  { maxWaiting = 16 }: MessagesOptions = {},
): AsyncIterableIterator<Message, undefined> {
  const paced = asPaced(socket);
  const waiting: Message[] = [];
  let waitingSize = 0;
  const readers: ((result: IteratorResult<Message, undefined>) => void)[] = [];
  let ended = false;
  let paused = false;

  const receive = ({ data }: { readonly data: unknown }) => {
    // By the standard.
    const message = data as Message;
    const reader = readers.shift();
    if (reader !== undefined) {
      reader({ done: false, value: message });
      return;
    }
    waiting.push(message);
    waitingSize += sizeOf(message);
    if ((waiting.length < maxWaiting && waitingSize < MAX_WAITING_SIZE) || paced === null || paused) return;
    paused = true;
    paced.pause();
  };
  const end = () => {
    ended = true;
    socket.removeEventListener("message", receive);
    socket.removeEventListener("close", end);
    for (const reader of readers.splice(0)) reader({ done: true, value: undefined });
  };
  socket.addEventListener("message", receive);
  socket.addEventListener("close", end);
  // Messages that arrived before the close are still read.
  if (socket.readyState === CLOSED) queueMicrotask(end);

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      const message = waiting.shift();
      if (message !== undefined) waitingSize -= sizeOf(message);
      if (paused && waiting.length === 0) {
        paused = false;
        paced?.resume();
      }
      if (message !== undefined) return Promise.resolve({ done: false, value: message });
      if (ended) return Promise.resolve({ done: true, value: undefined });
      return new Promise((resolve) => {
        readers.push(resolve);
      });
    },
    return: () => {
      waiting.length = 0;
      end();
      socket.close();
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

/**
 * Sends a message, and waits until the system has taken it: a program that awaits each call writes no faster than the client reads.
 * @throws DOMException `InvalidStateError` if the socket is not open; or the error that prevented the message from being sent.
 */
export function send(socket: WebSocket, data: Message | ArrayBufferView<ArrayBuffer>): Promise<void> {
  const paced = asPaced(socket);
  // Not async: a message to many sockets needs one promise for each in place of two.
  return new Promise<void>((resolve, reject) => {
    if (socket.readyState !== OPEN) throw new DOMException("The WebSocket is not open", "InvalidStateError");
    if (paced === null) {
      socket.send(data);
      resolve(emptied(socket));
      return;
    }
    paced.send(data, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}

/** A standard socket reports how much waits to be sent, but not when that changes. */
async function emptied(socket: WebSocket): Promise<void> {
  while (socket.bufferedAmount > 0 && socket.readyState === OPEN) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

function sizeOf(message: Message): number {
  if (typeof message === "string") return message.length;
  return message instanceof ArrayBuffer ? message.byteLength : message.size;
}

/** A socket that has `pause` has the callback of `send` too. */
function asPaced(socket: WebSocket): PacedWebSocket | null {
  return "pause" in socket && typeof socket.pause === "function" ? (socket as unknown as PacedWebSocket) : null;
}
