/** An accepted handshake on its way to an open WebSocket. Both servers hand their connection over here. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Exchange, HeaderFields, IncomingRequest, WebSocketOptions, WebSocketUpgrade } from "@tsgi/gateway-spec";
import { eachField, FORBIDDEN_IN_FIELD_VALUE, TOKEN } from "@tsgi/gateway-spec/server-kit";
import { type WebSocket as Frames, WebSocketServer } from "ws";
import { type Handshake, readHandshake } from "./handshake.ts";
import { ServerWebSocket } from "./socket.ts";

const DEFAULT_MAX_MESSAGE_BYTES = 1024 * 1024;
const DEFAULT_PING_INTERVAL_MS = 30_000;

/** RFC 6455 §7.4.1: "indicates that an endpoint is "going away", such as a server going down". */
const GOING_AWAY = 1001;

/** Fields of the handshake itself, which whoever rebuilds the response can neither add nor lose. */
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

/** An exchange that may get the capability. */
export interface UpgradableExchange extends Exchange {
  upgradeWebSocket?: (options?: WebSocketOptions) => WebSocketUpgrade;
}

/**
 * Gives the exchange `upgradeWebSocket` where its request is a handshake.
 * @param accepted called when the handler calls it. The server opens what it is given when the handler returns a 101.
 */
export function offerWebSocket(
  request: IncomingRequest,
  exchange: UpgradableExchange,
  accepted: (upgrade: Upgrade) => void,
): void {
  const handshake = readHandshake(request, exchange);
  if (handshake === null) return;
  let called = false;
  exchange.upgradeWebSocket = (options = {}) => {
    if (called) throw new TypeError("upgradeWebSocket was called twice");
    const upgrade = new Upgrade(handshake, request.url, options);
    called = true;
    accepted(upgrade);
    // An exchange that is over without a 101 has refused.
    const over = () => {
      upgrade.abandon();
    };
    exchange.completed.then(over, over);
    return upgrade;
  };
}

export class Upgrade implements WebSocketUpgrade {
  readonly socket: WebSocket;
  readonly response: { readonly status: 101; readonly headers: HeaderFields };
  readonly #handshake: Handshake;
  readonly #options: WebSocketOptions;
  readonly #socket: ServerWebSocket;
  #frames: Frames | null = null;
  #connection: Duplex | null = null;

  /** @throws TypeError where the client did not offer the protocol. */
  constructor(handshake: Handshake, url: string, options: WebSocketOptions) {
    const { protocol, headers } = options;
    if (protocol !== undefined && !handshake.protocols.includes(protocol)) {
      throw new TypeError(`The client did not offer the protocol ${JSON.stringify(protocol)}`);
    }
    this.#handshake = handshake;
    this.#options = options;
    this.#socket = new ServerWebSocket(url.replace(/^http/, "ws"), protocol ?? "");
    // It has the members and events of the standard's interface, but a listener of any event may stand for one of a certain kind.
    this.socket = this.#socket as unknown as WebSocket;
    this.response = { status: 101, headers: headers ?? {} };
  }

  /** Whether the handshake was completed. */
  get opened(): boolean {
    return this.#frames !== null;
  }

  /**
   * Writes the 101 and hands the connection to the frames.
   * @param head what came behind the request.
   * @param fields those of the response that the handler returned.
   * @throws TypeError where a field may not be sent; nothing is sent then.
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
    // While it flows, what is put back would go to whoever read before.
    connection.pause();
    acceptor.handleUpgrade(this.#request(), connection, head, (frames) => {
      this.#frames = frames;
      this.#connection = connection;
      this.#socket.open(frames);
      this.#watch(frames);
      if (!frames.isPaused) connection.resume();
    });
    // A client that is gone already gets no frames.
    if (!this.opened) this.abandon();
  }

  /** The handshake was not completed, and will not be. */
  abandon(): void {
    if (!this.opened) this.#socket.fail();
  }

  /** The server shuts down: asks the client to close. */
  goAway(): void {
    // What is paused would not hear the client's answer.
    this.#frames?.resume();
    this.#frames?.close(GOING_AWAY);
  }

  /** The server's patience is over. */
  cut(): void {
    // One that is closing for good hears of it by itself, with its own code.
    if (this.#frames === null || this.#connection?.destroyed === true) return;
    this.#frames.close(GOING_AWAY);
    this.#frames.terminate();
    // Shutdown comes next, and the application hears of the end before it.
    this.#socket.cut();
  }

  /** Of a request, ws reads only these. */
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

  /** Pings, and gives up a client that stays silent for two of them. One that is not read may have said something. */
  #watch(frames: Frames): void {
    const { pingIntervalMs = DEFAULT_PING_INTERVAL_MS } = this.#options;
    if (pingIntervalMs <= 0 || pingIntervalMs === Number.POSITIVE_INFINITY) return;
    let unanswered = 0;
    const alive = () => {
      unanswered = 0;
    };
    const timer = setInterval(() => {
      if (frames.isPaused) alive();
      if (unanswered === 2) {
        frames.terminate();
        return;
      }
      unanswered++;
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
    if (!TOKEN.test(name)) throw new TypeError(`${JSON.stringify(name)} is no field name`);
    if (FORBIDDEN_IN_FIELD_VALUE.test(value)) throw new TypeError(`The value of ${name} has a forbidden character`);
    if (!HANDSHAKE_FIELDS.has(name.toLowerCase())) lines.push(`${name}: ${value}`);
  });
  return lines;
}
