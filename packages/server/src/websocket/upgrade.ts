/** Completes accepted WebSocket handshakes over ws. The socket server and the node server hand their connection over here. */
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { HeaderFields, IncomingRequest, Logger, OutgoingResponse } from "@tsgi/gateway-spec";
import { type WebSocket as Frames, WebSocketServer } from "ws";
import {
  type AcceptedOptions,
  AcceptedWebSocket,
  GOING_AWAY,
  offerSocket,
  Pings,
  type UpgradableExchange,
  upgradeFields,
} from "./offer.ts";
import { type DataListener, WsTransport } from "./ws-transport.ts";

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
  return offerSocket(request, exchange, (handshake, options) => {
    const upgrade = new Upgrade({ handshake, url: request.url, options, logger });
    accepted(upgrade);
    return upgrade;
  });
}

export class Upgrade extends AcceptedWebSocket {
  #frames: Frames | null = null;
  #connection: Duplex | null = null;
  #transport: WsTransport | null = null;

  /** @throws TypeError if the client did not offer the protocol. */
  constructor(accepted: AcceptedOptions) {
    super(accepted, true);
  }

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
    const lines = upgradeFields(fields).map(([name, value]) => `${name}: ${value}`);
    const acceptor = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      // For ws, 0 is no limit, and a number has 32 bits.
      maxPayload: Math.min(Math.max(this.maxMessageBytes, 1), 2 ** 31 - 1),
      handleProtocols: () => this.protocol ?? false,
    });
    acceptor.on("headers", (headers) => {
      headers.push(...lines);
    });
    // In flowing mode the bytes that ws puts back would go to the HTTP listeners.
    connection.pause();
    const listeners = connection.listenerCount("data");
    acceptor.handleUpgrade(this.#request(), connection, head, (frames) => {
      this.#frames = frames;
      this.#connection = connection;
      const [wsListener] = connection.listeners("data").slice(listeners) as DataListener[];
      const { serverSocket: socket, maxMessageBytes } = this;
      const transport = new WsTransport({ frames, connection, socket, wsListener, maxMessageBytes });
      this.#transport = transport;
      socket.opened(transport);
      this.#pingRegularly(frames, transport);
      if (!frames.isPaused) connection.resume();
    });
    // ws opens no socket over a connection that is closed already.
    if (!this.opened) this.refuse();
  }

  /** Reads bytes that have arrived, changes them, and keeps none. @returns false where the stream of the connection has to have them. */
  read(bytes: Buffer): boolean {
    return this.#transport?.read(bytes) ?? false;
  }

  close(): void {
    // A paused socket would not read the client's close frame.
    this.#frames?.resume();
    this.#frames?.close(GOING_AWAY);
  }

  terminate(): void {
    // A connection that is closed already reports its own close code.
    if (this.#frames === null || this.#connection?.destroyed === true) return;
    this.serverSocket.terminate(GOING_AWAY);
  }

  /** The parts of a request that ws reads. */
  #request(): IncomingMessage {
    const { key, protocols } = this.handshake;
    const headers: Record<string, string> = {
      upgrade: "websocket",
      "sec-websocket-key": key,
      "sec-websocket-version": "13",
    };
    if (protocols.length > 0) headers["sec-websocket-protocol"] = protocols.join(", ");
    return { method: "GET", url: "/", headers } as unknown as IncomingMessage;
  }

  #pingRegularly(frames: Frames, transport: WsTransport): void {
    const ping = () => {
      if (frames.readyState === frames.OPEN) frames.ping();
    };
    const lost = () => {
      frames.terminate();
    };
    const pings = new Pings(this.pingIntervalMs, ping, () => transport.takeReceived() || frames.isPaused, lost);
    frames.on("close", () => {
      pings.stop();
    });
  }
}
