/**
 * Reading and writing the WebSockets of `upgradeWebSocket` at the peer's pace. The standard has no word for that: it gives a message
 * whether anyone is ready for it or not, and does not say when one was sent. The sockets of our servers do, in the manner of the ws
 * library, whose own sockets fit too.
 */

/** What a WebSocket carries: text, or bytes as `binaryType` has them. */
export type Message = string | ArrayBuffer | Blob;

export interface MessagesOptions {
  /** Messages that may wait for the loop, beyond which the peer is no longer read. Default 16. */
  readonly maxWaiting?: number;
}

/** The members that the standard lacks. */
interface PacedWebSocket {
  pause(): void;
  resume(): void;
  send(data: Message | ArrayBufferView, sent: (error?: Error | null) => void): void;
}

const CLOSED = 3;
const OPEN = 1;

/**
 * The messages of a socket, from now on and in order. A loop over them ends when the socket is closed, however that came about; who
 * wants to know listens for `close`. Leaving the loop closes the socket. A peer that sends faster than the loop reads has to wait,
 * where the socket can be paused.
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
  const readers: ((result: IteratorResult<Message, undefined>) => void)[] = [];
  let ended = false;
  let paused = false;

  const receive = ({ data }: { readonly data: unknown }) => {
    // Messages are what the standard says they are.
    const message = data as Message;
    const reader = readers.shift();
    if (reader !== undefined) {
      reader({ done: false, value: message });
      return;
    }
    waiting.push(message);
    if (waiting.length < maxWaiting || paced === null || paused) return;
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
  // What came before the close is given out first.
  if (socket.readyState === CLOSED) queueMicrotask(end);

  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => {
      const message = waiting.shift();
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
 * Sends a message, and waits until it is in the hands of the system: who awaits it writes no faster than the peer reads.
 * @throws DOMException `InvalidStateError` where the socket is not open; or what kept the message from being sent.
 */
export async function send(socket: WebSocket, data: Message | ArrayBufferView<ArrayBuffer>): Promise<void> {
  if (socket.readyState !== OPEN) throw new DOMException("The WebSocket is not open", "InvalidStateError");
  const paced = asPaced(socket);
  if (paced === null) {
    socket.send(data);
    await emptied(socket);
    return;
  }
  await new Promise<void>((resolve, reject) => {
    paced.send(data, (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
  });
}

/** A standard socket says how much waits to be sent, but not when that changes. */
async function emptied(socket: WebSocket): Promise<void> {
  while (socket.bufferedAmount > 0 && socket.readyState === OPEN) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

/** A socket that can pause takes a callback when it sends, too. */
function asPaced(socket: WebSocket): PacedWebSocket | null {
  return "pause" in socket && typeof socket.pause === "function" ? (socket as unknown as PacedWebSocket) : null;
}
