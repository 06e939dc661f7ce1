/**
 * The WebSocket that an application gets: the standard's interface (WHATWG) over a {@link FrameTransport}, which reads frames and
 * does the closing handshake.
 *
 * It exists before the handshake is complete, as the contract requires (TSGI-47); a transport is made only then. It keeps messages
 * until a listener is attached.
 */
import type { Logger } from "@tsgi/gateway-spec";
import { SocketCloseEvent, SocketErrorEvent, SocketMessageEvent } from "./events.ts";

/** Bytes of messages kept for a listener, beyond which the server stops reading from the client. */
const MAX_KEPT_BYTES = 64 * 1024;

/** Counted for each kept message beside its content, in bytes, so that empty messages are bounded too. */
const MESSAGE_OVERHEAD_BYTES = 64;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

/** RFC 6455 §7.4.1: the server "encountered an unexpected condition". */
const INTERNAL_ERROR = 1011;

type EventName = "open" | "message" | "error" | "close";
type Listener = ((event: Event) => unknown) | { handleEvent(event: Event): unknown } | null;

/** Called when the system has taken a message, or with the error that prevented it. */
export type Sent = (error?: Error | null) => void;

/** A message to send, as the standard's `send` takes it. */
export type Outgoing = string | ArrayBufferLike | ArrayBufferView | Blob;

/**
 * What carries the messages of one open socket: a socket of the ws library, or of a runtime. It calls `received`, `errored` and
 * `closed` of the socket.
 */
export interface FrameTransport {
  readonly readyState: 0 | 1 | 2 | 3;
  /** Bytes that wait to be sent. */
  readonly bufferedAmount: number;
  send(data: Outgoing, sent?: Sent): void;
  /** Starts the closing handshake. The socket has checked both arguments. */
  close(code?: number, reason?: string): void;
  /** Ends the connection at once. */
  terminate(): void;
  /** Both are absent where reading cannot be stopped. */
  pause?(): void;
  resume?(): void;
}

export interface ServerWebSocketOptions {
  readonly url: string;
  readonly protocol: string;
  /** Most bytes that may wait to be sent. */
  readonly maxBufferedBytes: number;
  readonly logger: Logger;
}

export class ServerWebSocket extends EventTarget {
  static readonly CONNECTING: 0 = CONNECTING;
  static readonly OPEN: 1 = OPEN;
  static readonly CLOSING: 2 = CLOSING;
  static readonly CLOSED: 3 = CLOSED;
  readonly CONNECTING: 0 = CONNECTING;
  readonly OPEN: 1 = OPEN;
  readonly CLOSING: 2 = CLOSING;
  readonly CLOSED: 3 = CLOSED;
  readonly url: string;
  readonly protocol: string;
  /** Always empty: the server offers no compression. */
  readonly extensions = "";
  binaryType: "arraybuffer" | "blob" = "arraybuffer";
  readonly #maxBufferedBytes: number;
  readonly #logger: Logger;
  #transport: FrameTransport | null = null;
  #readyState: 0 | 1 | 2 | 3 = CONNECTING;
  /** The arguments of a `close` that was called before the handshake was complete. */
  #closeOnOpen: readonly [code: number | undefined, reason: string | undefined] | null = null;
  #discardedBytes = 0;
  readonly #kept: (string | Uint8Array)[] = [];
  #keptBytes = 0;
  #hasListener = false;
  #paused = false;
  readonly #handlers: Partial<Record<EventName, (event: Event) => unknown>> = {};
  readonly #guarded = new WeakMap<object, (event: Event) => void>();

  constructor({ url, protocol, maxBufferedBytes, logger }: ServerWebSocketOptions) {
    super();
    this.url = url;
    this.protocol = protocol;
    this.#maxBufferedBytes = maxBufferedBytes;
    this.#logger = logger;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#transport === null || this.#readyState === CLOSED ? this.#readyState : this.#transport.readyState;
  }

  get bufferedAmount(): number {
    return (this.#transport?.bufferedAmount ?? 0) + this.#discardedBytes;
  }

  get onopen(): Listener {
    return this.#handlers.open ?? null;
  }
  set onopen(listener: Listener) {
    this.#setHandler("open", listener);
  }
  get onmessage(): Listener {
    return this.#handlers.message ?? null;
  }
  set onmessage(listener: Listener) {
    this.#setHandler("message", listener);
  }
  get onerror(): Listener {
    return this.#handlers.error ?? null;
  }
  set onerror(listener: Listener) {
    this.#setHandler("error", listener);
  }
  get onclose(): Listener {
    return this.#handlers.close ?? null;
  }
  set onclose(listener: Listener) {
    this.#setHandler("close", listener);
  }

  /** A listener that throws, or returns a promise that rejects, is logged, and the socket closes with 1011. */
  override addEventListener(type: string, listener: Listener, options?: AddEventListenerOptions | boolean): void {
    if (listener === null) return;
    super.addEventListener(type, this.#guard(listener), options);
    if (type !== "message" || this.#hasListener) return;
    this.#hasListener = true;
    // In a microtask, so that the same code can attach a second listener first.
    queueMicrotask(() => {
      this.#deliver();
    });
  }

  override removeEventListener(type: string, listener: Listener, options?: EventListenerOptions | boolean): void {
    if (listener === null) return;
    // Node calls this too, with the guarded listener, when the `signal` of the options aborts.
    super.removeEventListener(type, this.#guarded.get(listener) ?? listener, options);
  }

  /**
   * A message that finds more than `maxBufferedBytes` waiting terminates the connection: the client does not read. Bytes of more
   * than 4 KiB are not copied: they must not change until they are sent.
   * @param sent called when the system has taken the message, or with the error that prevented it.
   * @throws DOMException `InvalidStateError` before the socket is open.
   */
  send(data: Outgoing, sent?: Sent): void {
    const { readyState } = this;
    if (readyState === CONNECTING) throw new DOMException("The WebSocket is not open yet", "InvalidStateError");
    const transport = this.#transport;
    if (readyState !== OPEN || transport === null) {
      // The standard: what is discarded increases bufferedAmount.
      this.#discardedBytes += byteLength(data);
      sent?.(new DOMException("The WebSocket is closed", "InvalidStateError"));
    } else if (transport.bufferedAmount > this.#maxBufferedBytes) {
      const message = `A WebSocket client does not read: more than ${this.#maxBufferedBytes} bytes wait to be sent`;
      this.#logger.warn(`${message}; its connection is terminated`);
      transport.terminate();
      sent?.(new Error(message));
    } else {
      transport.send(data, sent);
    }
  }

  /**
   * A server may send more codes than a browser: 1000 to 1014, except those that are never sent, and 3000 to 4999
   * (RFC 6455 §7.4).
   * @throws DOMException `InvalidAccessError` for any other code, `SyntaxError` for a reason of more than 123 bytes.
   */
  close(code?: number, reason?: string): void {
    if (code !== undefined && !isSendable(code)) {
      throw new DOMException(`A WebSocket cannot be closed with the code ${code}`, "InvalidAccessError");
    }
    if (reason !== undefined && Buffer.byteLength(reason) > 123) {
      throw new DOMException("The reason is longer than 123 bytes", "SyntaxError");
    }
    if (this.#transport === null) {
      this.#closeOnOpen ??= [code, reason];
      return;
    }
    // A transport that does not read would not notice the close frame of the client.
    this.#transport.resume?.();
    this.#transport.close(reason === undefined || code !== undefined ? code : 1000, reason);
  }

  /** The handshake is complete. Called by the server. */
  opened(transport: FrameTransport): void {
    this.#transport = transport;
    this.#readyState = OPEN;
    if (this.#paused) transport.pause?.();
    this.dispatchEvent(new Event("open"));
    if (this.#closeOnOpen !== null) this.close(...this.#closeOnOpen);
  }

  /** The handshake failed. Called by the server. */
  failed(): void {
    if (this.#readyState !== CONNECTING) return;
    this.dispatchEvent(new SocketErrorEvent(new Error("The WebSocket was not opened")));
    this.closed(1006, "");
  }

  /** Ends the connection at once, after a last attempt to send a close frame. Called by the server. */
  terminate(code: number): void {
    this.#transport?.close(code);
    this.#transport?.terminate();
    this.closed(1006, "");
  }

  /** A message has arrived: a string if it is text. Called by the transport, which may reuse the bytes. */
  received(data: string | Uint8Array): void {
    // The standard: messages that arrive after close() are not dispatched.
    if (this.readyState !== OPEN) return;
    if (this.#hasListener && !this.#paused && this.#kept.length === 0) {
      this.#dispatchMessage(data);
      return;
    }
    // A copy: a short message is a view on the whole of what was read.
    this.#kept.push(typeof data === "string" ? data : new Uint8Array(data));
    this.#keptBytes += data.length + MESSAGE_OVERHEAD_BYTES;
    this.#bound();
  }

  /** The transport failed, and closes. */
  errored(error: Error): void {
    this.dispatchEvent(new SocketErrorEvent(error));
  }

  /** The connection is closed. Further calls do nothing. */
  closed(code: number, reason: string): void {
    if (this.#readyState === CLOSED) return;
    this.#readyState = CLOSED;
    this.dispatchEvent(new SocketCloseEvent(code, reason));
  }

  /** Stops reading. Messages that have arrived are kept. */
  protected stopReading(): void {
    this.#paused = true;
    this.#transport?.pause?.();
  }

  protected continueReading(): void {
    this.#paused = false;
    if (this.#hasListener) this.#deliver();
  }

  #bound(): void {
    const transport = this.#transport;
    if (transport === null) return;
    if (transport.pause !== undefined) {
      if (this.#keptBytes >= MAX_KEPT_BYTES) transport.pause();
    } else if (this.#keptBytes > this.#maxBufferedBytes) {
      const message = `more than ${this.#maxBufferedBytes} bytes of its messages wait for a listener`;
      this.#logger.warn(`The connection of a WebSocket client is terminated: ${message}`);
      transport.terminate();
    }
  }

  #deliver(): void {
    while (!this.#paused) {
      const message = this.#kept.shift();
      if (message === undefined) break;
      this.#keptBytes -= message.length + MESSAGE_OVERHEAD_BYTES;
      this.#dispatchMessage(message);
    }
    if (!this.#paused) this.#transport?.resume?.();
  }

  #dispatchMessage(data: string | Uint8Array): void {
    this.dispatchEvent(new SocketMessageEvent(typeof data === "string" ? data : this.#toBinary(data)));
  }

  #toBinary(bytes: Uint8Array): ArrayBuffer | Blob {
    if (this.binaryType === "blob") return new Blob([bytes as Uint8Array<ArrayBuffer>]);
    // A message that was assembled from several reads has a buffer of its own.
    return bytes.byteLength === bytes.buffer.byteLength ? (bytes.buffer as ArrayBuffer) : new Uint8Array(bytes).buffer;
  }

  #setHandler(type: EventName, listener: Listener): void {
    const earlier = this.#handlers[type];
    if (earlier !== undefined) this.removeEventListener(type, earlier);
    delete this.#handlers[type];
    if (typeof listener !== "function") return;
    this.#handlers[type] = listener;
    this.addEventListener(type, listener);
  }

  /** Without it, Node reports what a listener throws as an uncaught exception, which ends the process. */
  #guard(listener: NonNullable<Listener>): (event: Event) => void {
    const known = this.#guarded.get(listener);
    if (known !== undefined) return known;
    const guarded = (event: Event): void => {
      try {
        const result = typeof listener === "function" ? listener.call(this, event) : listener.handleEvent(event);
        if (isPromiseLike(result)) {
          result.then(undefined, (error: unknown) => {
            this.#listenerFailed(event.type, error);
          });
        }
      } catch (error) {
        this.#listenerFailed(event.type, error);
      }
    };
    this.#guarded.set(listener, guarded);
    return guarded;
  }

  #listenerFailed(type: string, error: unknown): void {
    this.#logger.error(`A listener of the WebSocket event "${type}" failed`, error);
    this.close(INTERNAL_ERROR);
  }
}

/**
 * A socket whose transport can stop reading. Both members are named as in the ws library. The helpers of
 * `@tsgi/gateway-spec/websocket` recognise them, and the callback of `send`, and use them for backpressure.
 */
export class PausableWebSocket extends ServerWebSocket {
  /** Stops reading. Messages that have arrived are kept. */
  pause(): void {
    this.stopReading();
  }

  resume(): void {
    this.continueReading();
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}

function isSendable(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  );
}

function byteLength(data: Outgoing): number {
  if (typeof data === "string") return Buffer.byteLength(data);
  return data instanceof Blob ? data.size : data.byteLength;
}
