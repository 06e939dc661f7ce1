/** Offers a WebSocket to the handler of a handshake, for every server: what happens before the 101, whatever carries the frames. */
import type {
  Exchange,
  HeaderFields,
  IncomingRequest,
  Logger,
  OutgoingResponse,
  WebSocketOptions,
  WebSocketUpgrade,
} from "@tsgi/gateway-spec";
import { eachField, FORBIDDEN_IN_FIELD_VALUE, TOKEN } from "@tsgi/gateway-spec/server-kit";
import { MAX_TIMER_MS } from "../runtime/clock.ts";
import { type Handshake, readHandshake, UNSUPPORTED_VERSION } from "./handshake.ts";
import { PausableWebSocket, ServerWebSocket } from "./socket.ts";

const DEFAULT_MAX_MESSAGE_BYTES = 1024 * 1024;
const DEFAULT_MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
const DEFAULT_PING_INTERVAL_MS = 30_000;

/** RFC 6455 §7.4.1: "indicates that an endpoint is "going away", such as a server going down". */
export const GOING_AWAY = 1001;

/** Fields of the handshake itself. Middleware that rebuilds the response can neither add nor remove them. */
const HANDSHAKE_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "upgrade",
  "sec-websocket-accept",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
  "content-length",
  "transfer-encoding",
  "keep-alive",
]);

/** An exchange that can get the capability. */
export interface UpgradableExchange extends Exchange {
  upgradeWebSocket?: (options?: WebSocketOptions) => WebSocketUpgrade;
}

/**
 * Gives the exchange `upgradeWebSocket` if its request is a handshake.
 * @param accept called when the handler accepts. The server opens what it returns when the handler returns a 101.
 * @returns the response to send without calling the handler, or `null`.
 */
export function offerSocket(
  request: IncomingRequest,
  exchange: UpgradableExchange,
  accept: (handshake: Handshake, options: WebSocketOptions) => AcceptedWebSocket,
): OutgoingResponse | null {
  const handshake = readHandshake(request, exchange);
  if (handshake === null) return null;
  if (handshake === "unsupported-version") return UNSUPPORTED_VERSION;
  let called = false;
  exchange.upgradeWebSocket = (options = {}) => {
    if (called) throw new TypeError("upgradeWebSocket was called twice");
    const accepted = accept(handshake, options);
    called = true;
    // An exchange that ends without a 101 has refused the handshake.
    const over = () => {
      accepted.refuse();
    };
    exchange.completed.then(over, over);
    return accepted;
  };
  return null;
}

export interface AcceptedOptions {
  readonly handshake: Handshake;
  /** Of the request. */
  readonly url: string;
  readonly options: WebSocketOptions;
  readonly logger: Logger;
}

/** A WebSocket that the handler has accepted. A subclass completes the handshake. */
export abstract class AcceptedWebSocket implements WebSocketUpgrade {
  readonly socket: WebSocket;
  readonly response: { readonly status: 101; readonly headers: HeaderFields };
  readonly maxMessageBytes: number;
  /** `Infinity` where no pings are sent. */
  readonly pingIntervalMs: number;
  protected readonly handshake: Handshake;
  /** The subprotocol to agree on. */
  protected readonly protocol: string | undefined;
  protected readonly serverSocket: ServerWebSocket;

  /**
   * @param canPause whether the transport can stop reading.
   * @throws TypeError if the client did not offer the protocol.
   */
  constructor({ handshake, url, options, logger }: AcceptedOptions, canPause: boolean) {
    const { protocol, headers, maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES } = options;
    const { maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES, pingIntervalMs = DEFAULT_PING_INTERVAL_MS } = options;
    if (protocol !== undefined && !handshake.protocols.includes(protocol)) {
      throw new TypeError(`The client did not offer the protocol ${JSON.stringify(protocol)}`);
    }
    this.handshake = handshake;
    this.protocol = protocol;
    this.maxMessageBytes = maxMessageBytes;
    this.pingIntervalMs = pingIntervalMs <= 0 ? Number.POSITIVE_INFINITY : pingIntervalMs;
    const Socket = canPause ? PausableWebSocket : ServerWebSocket;
    this.serverSocket = new Socket({
      url: url.replace(/^http/, "ws"),
      protocol: protocol ?? "",
      maxBufferedBytes,
      logger,
    });
    // It has every member of the standard's interface; its listener types are wider than the overloads of WebSocket.
    this.socket = this.serverSocket as unknown as WebSocket;
    this.response = { status: 101, headers: headers ?? {} };
  }

  /** Whether the handshake is complete. */
  abstract get opened(): boolean;

  /** The server shuts down: starts the closing handshake. */
  abstract close(): void;

  /** The shutdown deadline has passed: ends the connection. The application gets its `close` event before `shutdown` runs. */
  abstract terminate(): void;

  /** The handshake will not be completed. */
  refuse(): void {
    if (!this.opened) this.serverSocket.failed();
  }
}

/** Pings a client regularly, and notices one that sends nothing during two intervals. */
export class Pings {
  #pending = 0;
  readonly #timer: ReturnType<typeof setInterval> | null;

  /** @param isAlive whether the client has sent something since the last call, or is not read: a pong could not be noticed then. */
  constructor(intervalMs: number, ping: () => void, isAlive: () => boolean, lost: () => void) {
    this.#timer = null;
    if (intervalMs === Number.POSITIVE_INFINITY) return;
    this.#timer = setInterval(
      () => {
        if (isAlive()) this.received();
        if (this.#pending === 2) {
          lost();
          return;
        }
        this.#pending++;
        ping();
      },
      Math.min(intervalMs, MAX_TIMER_MS),
    );
    this.#timer.unref();
  }

  /** The client has sent something. */
  received(): void {
    this.#pending = 0;
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
  }
}

/**
 * The fields that a 101 response adds to those of the handshake.
 * @throws TypeError for a field that may not be sent.
 */
export function upgradeFields(fields: HeaderFields | undefined): (readonly [string, string])[] {
  const pairs: (readonly [string, string])[] = [];
  if (fields === undefined) return pairs;
  eachField(fields, (name, value) => {
    if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a field name`);
    if (FORBIDDEN_IN_FIELD_VALUE.test(value)) throw new TypeError(`The value of ${name} has a forbidden character`);
    if (!HANDSHAKE_FIELDS.has(name.toLowerCase())) pairs.push([name, value]);
  });
  return pairs;
}
