/** The contexts of the draft over an exchange of ours. */
import type { Address, Exchange, IncomingRequest, OutgoingResponse } from "../../index.ts";
import { toWebRequest } from "../fetch/web-request.ts";
import { toProtocolError } from "./errors.ts";
import {
  type ConnectContext,
  FALL_THROUGH,
  type RequestPriority,
  type ServerContext,
  type SocketAddress,
} from "./types.ts";

/** One exchange. `fetch` gets a context of its own after `connect` has fallen through, so the state is here. */
export class DraftExchange {
  readonly incoming: IncomingRequest;
  readonly exchange: Exchange;
  /** The draft's fifth state, aborted, is that of the signal: the client may enter it at any moment. */
  state: "open" | "informational" | "committed" | "denied" = "open";
  /** The socket that `connect` has accepted. */
  socket: WebSocket | null = null;
  /** Sends a response while the handler goes on. */
  readonly respond: (response: OutgoingResponse) => void;
  #request: Request | null = null;
  #completed: Promise<void> | null = null;

  constructor(incoming: IncomingRequest, exchange: Exchange, respond: (response: OutgoingResponse) => void) {
    this.incoming = incoming;
    this.exchange = exchange;
    this.respond = respond;
  }

  get aborted(): boolean {
    return this.incoming.signal.aborted;
  }

  /** Made when it is first used. */
  get request(): Request {
    return (this.#request ??= toRequest(this.incoming));
  }

  get completed(): Promise<void> {
    if (this.#completed === null) {
      this.#completed = this.exchange.completed.catch((error: unknown) => {
        throw toProtocolError(error);
      });
      this.#completed.catch(() => undefined);
    }
    return this.#completed;
  }
}

export class DraftContext implements ServerContext {
  serverPriority: RequestPriority | null = null;
  /** Never called: no server of ours reports PRIORITY_UPDATE frames. */
  onpriority: ((priority: RequestPriority) => void) | null = null;
  /** A server of ours sends `100 Continue` when the content is first read (TSGI-10). */
  readonly autoContinue = true;
  protected readonly draft: DraftExchange;

  constructor(draft: DraftExchange) {
    this.draft = draft;
  }

  get request(): Request {
    return this.draft.request;
  }

  get remoteAddress(): SocketAddress {
    return toSocketAddress(this.draft.exchange.remoteAddress);
  }

  get localAddress(): SocketAddress {
    return toSocketAddress(this.draft.exchange.localAddress);
  }

  get alpnProtocol(): string {
    const { protocol, tls } = this.draft.exchange;
    return tls?.applicationProtocol ?? (protocol === "2" ? "h2" : "http/1.1");
  }

  get encrypted(): boolean {
    return this.draft.exchange.encrypted;
  }

  get serverName(): string | null {
    return this.draft.exchange.tls?.serverName ?? null;
  }

  get clientPriority(): RequestPriority {
    const value = this.draft.incoming.headers.get("priority") ?? "";
    return {
      urgency: Number(/(?:^|,)\s*u=([0-7])/.exec(value)?.[1] ?? 3),
      incremental: /(?:^|,)\s*i(?:=\?1)?\s*(?:,|$)/.test(value),
    };
  }

  sendInformational(status: number, headers?: ConstructorParameters<typeof Headers>[0]): void {
    const { draft } = this;
    const { exchange } = draft;
    if (exchange.sendInformational === undefined) throw notSupported("informational responses");
    if (!Number.isInteger(status) || status < 100 || status > 199 || status === 101) {
      throw new RangeError(`The status of an informational response is 100 to 199 without 101, not ${String(status)}`);
    }
    if (draft.state === "committed" || draft.state === "denied") throw invalidState("sendInformational", draft.state);
    if (draft.aborted) return;
    if (status === 100)
      throw notSupported("100 from the application: the server sends it when the content is first read");
    exchange.sendInformational(status, new Headers(headers));
    draft.state = "informational";
  }

  deny(error?: unknown): void {
    const { draft } = this;
    if (draft.aborted) return;
    if (draft.state !== "open") throw invalidState("deny", draft.state);
    if (error === FALL_THROUGH) {
      this.fallThrough();
      return;
    }
    draft.state = "denied";
  }

  get completed(): Promise<void> {
    return this.draft.completed;
  }

  /** Beyond the draft, which has no signal for a shutdown: {@link Exchange.draining}. */
  get draining(): AbortSignal {
    return this.draft.exchange.draining;
  }

  waitUntil(promise: Promise<unknown>): void {
    this.draft.exchange.waitUntil(promise);
  }

  /** @throws DOMException elsewhere than in `connect`. */
  protected fallThrough(): void {
    throw invalidState("deny with the fall-through symbol", "in fetch");
  }
}

export class DraftConnectContext extends DraftContext implements ConnectContext {
  readonly connectProtocol = "websocket";
  /** Whether the handler has left the request to `fetch`. */
  fellThrough = false;

  upgradeWebSocket({ protocol: offered = [] }: { readonly protocol?: readonly string[] } = {}): WebSocket {
    const { draft } = this;
    const { exchange, incoming, state } = draft;
    if (this.fellThrough || state === "committed" || state === "denied") throw invalidState("upgradeWebSocket", state);
    if (exchange.upgradeWebSocket === undefined) throw notSupported("WebSockets");
    const field = incoming.headers.get("sec-websocket-protocol") ?? "";
    const requested = new Set(field.split(",").map((item) => item.trim()));
    // The first that the server names and the client has offered.
    const protocol = offered.find((name) => requested.has(name));
    const { socket, response } = exchange.upgradeWebSocket(protocol === undefined ? {} : { protocol });
    draft.state = "committed";
    draft.socket = socket;
    draft.respond(response);
    return asOpen(socket);
  }

  accept(): Promise<never> {
    return Promise.reject(notSupported("tunnels"));
  }

  upgradeWebTransport(): Promise<never> {
    return Promise.reject(invalidState("upgradeWebTransport", "a WebSocket handshake"));
  }

  override deny(error?: unknown): void {
    if (this.fellThrough) throw invalidState("deny", "left to fetch");
    super.deny(error);
  }

  protected override fallThrough(): void {
    this.fellThrough = true;
  }
}

const CONNECTING = 0;
const OPEN = 1;

/** The draft's socket is open when the handler gets it; ours opens when the 101 has been sent. What is sent before waits for that. */
function asOpen(socket: WebSocket): WebSocket {
  const waiting: Parameters<WebSocket["send"]>[] = [];
  const prototype = Object.getPrototypeOf(socket) as object;
  const stateOf = (): unknown => Reflect.get(prototype, "readyState", socket);
  const send = socket.send.bind(socket);
  Object.defineProperties(socket, {
    readyState: { configurable: true, get: () => (stateOf() === CONNECTING ? OPEN : stateOf()) },
    send: {
      configurable: true,
      value: (...given: Parameters<WebSocket["send"]>) => {
        if (stateOf() === CONNECTING) waiting.push(given);
        else send(...given);
      },
    },
  });
  socket.addEventListener("open", () => {
    for (const given of waiting.splice(0)) send(...given);
  });
  return socket;
}

/** A genuine `Request` whose signal and content fail with the draft's errors. */
function toRequest(incoming: IncomingRequest): Request {
  const { method, url, headers, body } = incoming;
  const controller = new AbortController();
  const abort = () => {
    controller.abort(toProtocolError(incoming.signal.reason));
  };
  if (incoming.signal.aborted) abort();
  else incoming.signal.addEventListener("abort", abort, { once: true });
  const content = body === null ? null : withProtocolErrors(body);
  const request = toWebRequest({ method, url, headers, body: content, signal: controller.signal });
  if (incoming.trailers !== undefined) {
    Object.defineProperty(request, "trailers", {
      get: async () => {
        try {
          return new Headers([...((await incoming.trailers) ?? [])]);
        } catch (error) {
          throw toProtocolError(error);
        }
      },
    });
  }
  return request;
}

async function* withProtocolErrors(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, undefined> {
  try {
    yield* body;
  } catch (error) {
    throw toProtocolError(error);
  }
  return undefined;
}

function toSocketAddress(address: Address | null): SocketAddress {
  if (address?.transport !== "tcp") return { address: "", port: 0, family: "" };
  const { hostname, port } = address;
  return { address: hostname, port, family: hostname.includes(":") ? "IPv6" : "IPv4" };
}

function invalidState(operation: string, state: string): DOMException {
  return new DOMException(`${operation} is not possible: the exchange is ${state}`, "InvalidStateError");
}

function notSupported(what: string): DOMException {
  return new DOMException(`This server does not support ${what}`, "NotSupportedError");
}
