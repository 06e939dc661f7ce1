/**
 * The standard WebSocket (WHATWG) that an application gets, over one of the ws library, which does the frames.
 *
 * It is there before the handshake is complete, as the contract asks, where ws makes its own only then. It keeps messages for the
 * first listener. And it has two members that the standard lacks, `pause` and `resume`, named as in ws, as is the callback of
 * `send`: the helpers of `@tsgi/gateway-spec/websocket` look for them.
 */
import type { RawData, WebSocket as Frames } from "ws";

/** Messages kept for a listener or a reader, beyond which the client is no longer read, in bytes. */
const MAX_KEPT_BYTES = 64 * 1024;

/** What a kept message costs beside its content, in bytes: empty ones must not be free. */
const MESSAGE_COST_BYTES = 64;

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

const HANDLERS = ["open", "message", "error", "close"] as const;
type EventName = (typeof HANDLERS)[number];
type Listener = ((event: Event) => void) | { handleEvent(event: Event): void } | null;

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
  /** Compression is off: it costs memory and time that an application did not ask for. */
  readonly extensions = "";
  binaryType: "arraybuffer" | "blob" = "arraybuffer";
  #frames: Frames | null = null;
  #readyState: 0 | 1 | 2 | 3 = CONNECTING;
  /** What `close` was given before there was anything to close. */
  #closeOnOpen: readonly [code: number | undefined, reason: string | undefined] | null = null;
  #discardedBytes = 0;
  readonly #kept: { readonly data: Buffer; readonly isBinary: boolean }[] = [];
  #keptBytes = 0;
  #hasListener = false;
  #paused = false;
  readonly #handlers: Partial<Record<EventName, (event: Event) => void>> = {};

  constructor(url: string, protocol: string) {
    super();
    this.url = url;
    this.protocol = protocol;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#frames === null || this.#readyState === CLOSED ? this.#readyState : this.#frames.readyState;
  }

  get bufferedAmount(): number {
    return (this.#frames?.bufferedAmount ?? 0) + this.#discardedBytes;
  }

  get onopen(): Listener {
    return this.#handlers.open ?? null;
  }
  set onopen(listener: Listener) {
    this.#handle("open", listener);
  }
  get onmessage(): Listener {
    return this.#handlers.message ?? null;
  }
  set onmessage(listener: Listener) {
    this.#handle("message", listener);
  }
  get onerror(): Listener {
    return this.#handlers.error ?? null;
  }
  set onerror(listener: Listener) {
    this.#handle("error", listener);
  }
  get onclose(): Listener {
    return this.#handlers.close ?? null;
  }
  set onclose(listener: Listener) {
    this.#handle("close", listener);
  }

  override addEventListener(type: string, listener: Listener, options?: AddEventListenerOptions | boolean): void {
    if (listener === null) return;
    super.addEventListener(type, listener, options);
    if (type !== "message" || this.#hasListener) return;
    this.#hasListener = true;
    // Not at once: who attaches one listener may be about to attach another.
    queueMicrotask(() => {
      this.#deliver();
    });
  }

  /**
   * @param sent called when the message is in the system's hands, or with the error that kept it from getting there.
   * @throws DOMException `InvalidStateError` before the socket is open.
   */
  send(data: string | ArrayBufferLike | ArrayBufferView | Blob, sent?: (error?: Error) => void): void {
    if (this.readyState === CONNECTING) {
      throw new DOMException("The WebSocket is not open yet", "InvalidStateError");
    }
    if (this.readyState !== OPEN || this.#frames === null) {
      // The standard counts what it throws away.
      this.#discardedBytes += byteLength(data);
      sent?.(new DOMException("The WebSocket is closed", "InvalidStateError"));
      return;
    }
    this.#frames.send(data, sent);
  }

  /**
   * The codes that a server may send are more than those of a browser: 1000 to 1014, but for those that are never sent, and 3000
   * to 4999 (RFC 6455 §7.4).
   * @throws DOMException `InvalidAccessError` for any other code, `SyntaxError` for a reason of more than 123 bytes.
   */
  close(code?: number, reason?: string): void {
    if (code !== undefined && !isSendable(code)) {
      throw new DOMException(`A WebSocket cannot be closed with the code ${code}`, "InvalidAccessError");
    }
    if (reason !== undefined && Buffer.byteLength(reason) > 123) {
      throw new DOMException("The reason is longer than 123 bytes", "SyntaxError");
    }
    if (this.#frames === null) {
      this.#closeOnOpen ??= [code, reason];
      return;
    }
    this.#resumeFrames();
    this.#frames.close(reason === undefined || code !== undefined ? code : 1000, reason);
  }

  /** Stops reading. Messages that have come are kept. */
  pause(): void {
    this.#paused = true;
    this.#frames?.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#hasListener) this.#deliver();
  }

  /** The handshake is complete. */
  open(frames: Frames): void {
    this.#frames = frames;
    this.#readyState = OPEN;
    if (this.#paused) frames.pause();
    frames.on("message", (data, isBinary) => {
      this.#receive(data, isBinary);
    });
    frames.on("error", (error) => {
      this.dispatchEvent(new SocketErrorEvent(error));
    });
    frames.on("close", (code, reason) => {
      this.#closed(code, reason.toString());
    });
    this.dispatchEvent(new Event("open"));
    if (this.#closeOnOpen !== null) this.close(...this.#closeOnOpen);
  }

  /** The handshake will not be completed. */
  fail(): void {
    if (this.#readyState !== CONNECTING) return;
    this.dispatchEvent(new SocketErrorEvent(new Error("The WebSocket was not opened")));
    this.cut();
  }

  /** It is closed, and its listeners hear of it now. */
  cut(): void {
    this.#closed(1006, "");
  }

  #receive(raw: RawData, isBinary: boolean): void {
    // The standard: a message that comes after close() is not given out.
    if (this.readyState !== OPEN) return;
    // ws gives one Buffer, unless it is asked for anything else.
    const data = raw as Buffer;
    if (this.#hasListener && !this.#paused && this.#kept.length === 0) {
      this.#dispatch(data, isBinary);
      return;
    }
    // A copy, for a small message is a view on what was read together with it.
    this.#kept.push({ data: Buffer.from(data), isBinary });
    this.#keptBytes += data.byteLength + MESSAGE_COST_BYTES;
    if (this.#keptBytes >= MAX_KEPT_BYTES) this.#frames?.pause();
  }

  #deliver(): void {
    while (!this.#paused) {
      const message = this.#kept.shift();
      if (message === undefined) break;
      this.#keptBytes -= message.data.byteLength + MESSAGE_COST_BYTES;
      this.#dispatch(message.data, message.isBinary);
    }
    if (!this.#paused) this.#resumeFrames();
  }

  #resumeFrames(): void {
    if (this.#frames?.isPaused === true) this.#frames.resume();
  }

  #dispatch(bytes: Buffer, isBinary: boolean): void {
    const data = isBinary ? this.#toBinary(bytes) : bytes.toString();
    this.dispatchEvent(new MessageEvent("message", { data }));
  }

  #toBinary(bytes: Buffer): ArrayBuffer | Blob {
    const copy = new Uint8Array(bytes);
    return this.binaryType === "blob" ? new Blob([copy]) : copy.buffer;
  }

  #closed(code: number, reason: string): void {
    if (this.#readyState === CLOSED) return;
    this.#readyState = CLOSED;
    this.dispatchEvent(new SocketCloseEvent(code, reason));
  }

  #handle(type: EventName, listener: Listener): void {
    const earlier = this.#handlers[type];
    if (earlier !== undefined) this.removeEventListener(type, earlier);
    delete this.#handlers[type];
    if (typeof listener !== "function") return;
    this.#handlers[type] = listener;
    this.addEventListener(type, listener);
  }
}

/** Node has a `CloseEvent` of its own from version 23 on. */
class SocketCloseEvent extends Event {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;

  constructor(code: number, reason: string) {
    super("close");
    this.code = code;
    this.reason = reason;
    this.wasClean = code !== 1006;
  }
}

class SocketErrorEvent extends Event {
  readonly error: unknown;
  readonly message: string;

  constructor(error: Error) {
    super("error");
    this.error = error;
    this.message = error.message;
  }
}

function isSendable(code: number): boolean {
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999)
  );
}

function byteLength(data: string | ArrayBufferLike | ArrayBufferView | Blob): number {
  if (typeof data === "string") return Buffer.byteLength(data);
  return data instanceof Blob ? data.size : data.byteLength;
}
