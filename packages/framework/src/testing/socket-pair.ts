/** Two WebSockets that are connected in this process: one for the application, one for its test. No frames are made. */
import type { WebSocketOptions } from "@tsgi/gateway-spec";

/** Why a WebSocket was closed: code and text of the close frame (RFC 6455 §7.1.5, §7.1.6). */
export interface CloseReason {
  readonly code: number;
  readonly reason: string;
}

/** The test's end of a WebSocket. */
export interface TestSocket {
  /** The subprotocol that the application chose; empty for none. */
  readonly protocol: string;
  /** Settles when the connection is closed, by whichever side. */
  readonly closed: Promise<CloseReason>;
  /** Sends a message to the application. */
  send(data: string | Uint8Array): void;
  /** The next message. Rejects where the connection is closed before one comes. */
  next(): Promise<string | Uint8Array>;
  /** @param code default 1000. */
  close(code?: number, reason?: string): void;
}

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;

type State = typeof CONNECTING | typeof OPEN | typeof CLOSED;

/** The application's end: the standard interface, as far as an end without a network has it. */
export class ApplicationSocket extends EventTarget {
  readonly url: string;
  readonly protocol: string;
  readonly extensions = "";
  readonly bufferedAmount = 0;
  binaryType: "arraybuffer" | "blob" = "arraybuffer";
  onopen: ((event: Event) => unknown) | null = null;
  onerror: ((event: Event) => unknown) | null = null;
  onclose: ((event: Event) => unknown) | null = null;
  readonly #peer: TestEnd;
  #state: State = CONNECTING;
  /** Messages that came before the socket was open and had a listener. Our servers keep them too. */
  readonly #kept: (string | Uint8Array)[] = [];
  #hasListener = false;
  #onMessage: ((event: MessageEvent) => unknown) | null = null;

  constructor(url: string, { protocol = "" }: WebSocketOptions) {
    super();
    this.url = url;
    this.protocol = protocol;
    this.#peer = new TestEnd(this);
  }

  get readyState(): State {
    return this.#state;
  }

  get peer(): TestSocket {
    return this.#peer;
  }

  send(data: string | ArrayBuffer | ArrayBufferView | Blob): void {
    if (this.#state === CONNECTING) throw new DOMException("The WebSocket is not open yet", "InvalidStateError");
    if (this.#state === CLOSED) return;
    if (data instanceof Blob) {
      void data.bytes().then((bytes) => {
        this.#peer.receive(bytes);
        return undefined;
      });
    } else if (typeof data === "string") this.#peer.receive(data);
    else this.#peer.receive(copyOf(data));
  }

  close(code = 1000, reason = ""): void {
    if (code !== 1000 && (code < 3000 || code > 4999)) {
      throw new DOMException(`The close code ${code} is not 1000 or 3000 to 4999`, "InvalidAccessError");
    }
    this.terminate(code, reason);
  }

  get onmessage(): ((event: MessageEvent) => unknown) | null {
    return this.#onMessage;
  }

  set onmessage(listener: ((event: MessageEvent) => unknown) | null) {
    this.#onMessage = listener;
    if (listener !== null) this.#listen();
  }

  override addEventListener(...[type, ...rest]: Parameters<EventTarget["addEventListener"]>): void {
    super.addEventListener(type, ...rest);
    if (type === "message") this.#listen();
  }

  /** Completes the handshake. */
  open(): void {
    this.#state = OPEN;
    this.#dispatch("open", new Event("open"));
    this.#deliverKept();
  }

  deliver(data: string | Uint8Array): void {
    this.#kept.push(data);
    this.#deliverKept();
  }

  #listen(): void {
    this.#hasListener = true;
    queueMicrotask(() => {
      this.#deliverKept();
    });
  }

  #deliverKept(): void {
    if (this.#state !== OPEN || !this.#hasListener) return;
    for (const data of this.#kept.splice(0)) {
      this.#dispatch("message", new MessageEvent("message", { data: this.#given(data) }));
    }
  }

  /** Closes both ends. */
  terminate(code: number, reason: string): void {
    if (this.#state === CLOSED) return;
    this.#state = CLOSED;
    this.#peer.end({ code, reason });
    queueMicrotask(() => {
      this.#dispatch("close", Object.assign(new Event("close"), { code, reason, wasClean: true }));
    });
  }

  #given(data: string | Uint8Array): string | ArrayBuffer | Blob {
    if (typeof data === "string") return data;
    const { buffer } = new Uint8Array(data);
    return this.binaryType === "blob" ? new Blob([buffer]) : buffer;
  }

  #dispatch(name: "open" | "message" | "close", event: Event): void {
    const handler = this[`on${name}`] as ((event: Event) => unknown) | null;
    handler?.call(this, event);
    this.dispatchEvent(event);
  }
}

class TestEnd implements TestSocket {
  readonly protocol: string;
  readonly #application: ApplicationSocket;
  readonly #messages: (string | Uint8Array)[] = [];
  readonly #closed = Promise.withResolvers<CloseReason>();
  #waiting: PromiseWithResolvers<void> | null = null;
  #reason: CloseReason | null = null;

  constructor(application: ApplicationSocket) {
    this.protocol = application.protocol;
    this.#application = application;
  }

  get closed(): Promise<CloseReason> {
    return this.#closed.promise;
  }

  send(data: string | Uint8Array): void {
    this.#application.deliver(data);
  }

  async next(): Promise<string | Uint8Array> {
    for (;;) {
      const message = this.#messages.shift();
      if (message !== undefined) return message;
      if (this.#reason !== null) {
        throw new Error(`The WebSocket was closed with ${this.#reason.code} before another message came`);
      }
      await (this.#waiting ??= Promise.withResolvers<void>()).promise;
    }
  }

  close(code = 1000, reason = ""): void {
    this.#application.terminate(code, reason);
  }

  receive(data: string | Uint8Array): void {
    this.#messages.push(data);
    this.#wake();
  }

  end(reason: CloseReason): void {
    this.#reason = reason;
    this.#closed.resolve(reason);
    this.#wake();
  }

  #wake(): void {
    this.#waiting?.resolve();
    this.#waiting = null;
  }
}

function copyOf(data: ArrayBuffer | ArrayBufferView): Uint8Array {
  return data instanceof ArrayBuffer
    ? new Uint8Array(data.slice(0))
    : new Uint8Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer);
}
