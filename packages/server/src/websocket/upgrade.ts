/** Completes accepted WebSocket handshakes. Both servers hand their connection over here. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
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
import { type WebSocket as Frames, WebSocketServer } from "ws";
import { type Handshake, readHandshake, UNSUPPORTED_VERSION } from "./handshake.ts";
import { PausableWebSocket } from "./socket.ts";
import { WsTransport } from "./ws-transport.ts";

const DEFAULT_MAX_MESSAGE_BYTES = 1024 * 1024;
const DEFAULT_MAX_BUFFERED_BYTES = 16 * 1024 * 1024;
const DEFAULT_PING_INTERVAL_MS = 30_000;

/** RFC 6455 §7.4.1: "indicates that an endpoint is "going away", such as a server going down". */
const GOING_AWAY = 1001;

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
 * @param accepted called when the handler accepts. The server calls `open` of the upgrade when the handler returns a 101.
 * @returns the response to send without calling the handler, or `null`.
 */
export function offerWebSocket(
  request: IncomingRequest,
  exchange: UpgradableExchange,
  logger: Logger,
  accepted: (upgrade: Upgrade) => void,
): OutgoingResponse | null {
  const handshake = readHandshake(request, exchange);
  if (handshake === null) return null;
  if (handshake === "unsupported-version") return UNSUPPORTED_VERSION;
  let called = false;
  exchange.upgradeWebSocket = (options = {}) => {
    if (called) throw new TypeError("upgradeWebSocket was called twice");
    const upgrade = new Upgrade(handshake, request.url, options, logger);
    called = true;
    accepted(upgrade);
    // An exchange that ends without a 101 has refused the handshake.
    const over = () => {
      upgrade.refuse();
    };
    exchange.completed.then(over, over);
    return upgrade;
  };
  return null;
}

export class Upgrade implements WebSocketUpgrade {
  readonly socket: WebSocket;
  readonly response: { readonly status: 101; readonly headers: HeaderFields };
  readonly #handshake: Handshake;
  readonly #options: WebSocketOptions;
  readonly #socket: PausableWebSocket;
  #frames: Frames | null = null;
  #connection: Duplex | null = null;

  /** @throws TypeError if the client did not offer the protocol. */
  constructor(handshake: Handshake, url: string, options: WebSocketOptions, logger: Logger) {
    const { protocol, headers, maxBufferedBytes = DEFAULT_MAX_BUFFERED_BYTES } = options;
    if (protocol !== undefined && !handshake.protocols.includes(protocol)) {
      throw new TypeError(`The client did not offer the protocol ${JSON.stringify(protocol)}`);
    }
    this.#handshake = handshake;
    this.#options = options;
    this.#socket = new PausableWebSocket({
      url: url.replace(/^http/, "ws"),
      protocol: protocol ?? "",
      maxBufferedBytes,
      logger,
    });
    // It has every member of the standard's interface; its listener types are wider than the overloads of WebSocket.
    this.socket = this.#socket as unknown as WebSocket;
    this.response = { status: 101, headers: headers ?? {} };
  }

  /** Whether the handshake is complete. */
  get opened(): boolean {
    return this.#frames !== null;
  }

  /**
   * Writes the 101 and hands the connection to ws.
   * @param head bytes that were read behind the request.
   * @param fields those of the response that the handler returned.
   * @throws TypeError for a field that may not be sent; nothing is sent then.
   */
  open(connection: Duplex, head: Buffer, fields: HeaderFields | undefined): void {
    const lines = fields === undefined ? [] : fieldLines(fields);
    const { protocol, maxMessageBytes = DEFAULT_MAX_MESSAGE_BYTES } = this.#options;
    const acceptor = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maxMessageBytes,
      handleProtocols: () => protocol ?? false,
    });
    acceptor.on("headers", (headers) => {
      headers.push(...lines);
    });
    // In flowing mode the bytes that ws puts back would go to the HTTP listeners.
    connection.pause();
    acceptor.handleUpgrade(this.#request(), connection, head, (frames) => {
      this.#frames = frames;
      this.#connection = connection;
      this.#socket.opened(new WsTransport(frames, connection, this.#socket));
      this.#pingRegularly(frames);
      if (!frames.isPaused) connection.resume();
    });
    // ws opens no socket over a connection that is closed already.
    if (!this.opened) this.refuse();
  }

  /** The handshake will not be completed. */
  refuse(): void {
    if (!this.opened) this.#socket.failed();
  }

  /** The server shuts down: starts the closing handshake. */
  close(): void {
    // A paused socket would not read the client's close frame.
    this.#frames?.resume();
    this.#frames?.close(GOING_AWAY);
  }

  /** The shutdown deadline has passed: ends the connection. The application gets its `close` event before `shutdown` runs. */
  terminate(): void {
    // A connection that is closed already reports its own close code.
    if (this.#frames === null || this.#connection?.destroyed === true) return;
    this.#socket.terminate(GOING_AWAY);
  }

  /** The parts of a request that ws reads. */
  #request(): IncomingMessage {
    const { key, protocols } = this.#handshake;
    const headers: Record<string, string> = {
      upgrade: "websocket",
      "sec-websocket-key": key,
      "sec-websocket-version": "13",
    };
    if (protocols.length > 0) headers["sec-websocket-protocol"] = protocols.join(", ");
    return { method: "GET", url: "/", headers } as unknown as IncomingMessage;
  }

  /** Sends pings, and terminates a connection that sends nothing during two intervals, except while the server does not read. */
  #pingRegularly(frames: Frames): void {
    const { pingIntervalMs = DEFAULT_PING_INTERVAL_MS } = this.#options;
    if (pingIntervalMs <= 0 || pingIntervalMs === Number.POSITIVE_INFINITY) return;
    let pending = 0;
    const alive = () => {
      pending = 0;
    };
    const timer = setInterval(() => {
      if (frames.isPaused) alive();
      if (pending === 2) {
        frames.terminate();
        return;
      }
      pending++;
      if (frames.readyState === frames.OPEN) frames.ping();
    }, pingIntervalMs);
    timer.unref();
    frames.on("message", alive).on("ping", alive).on("pong", alive);
    frames.on("close", () => {
      clearInterval(timer);
    });
  }
}

function fieldLines(fields: HeaderFields): string[] {
  const lines: string[] = [];
  eachField(fields, (name, value) => {
    if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is not a field name`);
    if (FORBIDDEN_IN_FIELD_VALUE.test(value)) throw new TypeError(`The value of ${name} has a forbidden character`);
    if (!HANDSHAKE_FIELDS.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  });
  return lines;
}
