/** The websocket scope, on `exchange.upgradeWebSocket`. */
import type { Exchange, IncomingRequest, OutgoingResponse } from "../../index.ts";
import { clientDisconnected } from "../../server-kit/refusals.ts";
import { messages, send as sendMessage } from "../../websocket.ts";
import { AsgiResponse } from "./response.ts";
import { toFields, toWebSocketScope } from "./scope.ts";
import { type AsgiApplication, outOfOrder, type Receive, type ReceiveEvent, type Send } from "./types.ts";

type WebSocketEvent = Parameters<Send>[0];

export function runWebSocket(
  application: AsgiApplication,
  request: IncomingRequest,
  exchange: Exchange,
  state: Record<string, unknown>,
): Promise<OutgoingResponse> {
  const responded = Promise.withResolvers<OutgoingResponse>();
  const denial = new AsgiResponse();
  const handshake: { socket: AcceptedSocket | null; denied: boolean } = { socket: null, denied: false };
  let connected = false;
  const { signal } = request;
  const disconnect = () => {
    denial.disconnect();
  };
  signal.addEventListener("abort", disconnect, { once: true });

  const receive: Receive = async () => {
    if (!connected) {
      connected = true;
      return { type: "websocket.connect" };
    }
    if (handshake.socket !== null) return handshake.socket.receive();
    await denial.ended;
    // RFC 6455 §7.4.1: 1006 stands for a connection that ended without a closing handshake.
    return { type: "websocket.disconnect", code: 1006, reason: "" };
  };

  const accept = (event: Extract<WebSocketEvent, { readonly type: "websocket.accept" }>) => {
    if (handshake.denied) throw outOfOrder(event.type, "after the handshake was refused");
    const protocol = event.subprotocol ?? undefined;
    const headers = toFields(event.headers);
    const upgrade = exchange.upgradeWebSocket?.({ ...(protocol === undefined ? {} : { protocol }), headers });
    if (upgrade === undefined) throw outOfOrder(event.type, "to a request that is not a WebSocket handshake");
    handshake.socket = new AcceptedSocket(upgrade.socket);
    responded.resolve(upgrade.response);
  };

  const send: Send = async (event) => {
    if (handshake.socket !== null) {
      await handshake.socket.send(event);
    } else if (event.type === "websocket.accept") {
      accept(event);
    } else if (event.type === "websocket.close") {
      denial.start({ type: event.type, status: 403 });
      handshake.denied = true;
      await denial.body({ type: event.type });
    } else if (event.type === "websocket.http.response.start") {
      denial.start(event);
      handshake.denied = true;
    } else if (event.type === "websocket.http.response.body") {
      if (!denial.isComplete) await denial.body(event);
    } else {
      throw outOfOrder(event.type, "before the handshake was accepted");
    }
  };
  denial.response.then(responded.resolve, responded.reject);

  const running = (async () => {
    try {
      await application(toWebSocketScope(request, exchange, state), receive, send);
      handshake.socket?.close(1000);
      if (handshake.socket === null) denial.finish();
    } catch (error) {
      // RFC 6455 §7.4.1: 1011 is "an unexpected condition".
      handshake.socket?.close(1011);
      if (handshake.socket !== null || denial.isOver) throw error;
      denial.finish(error);
    } finally {
      signal.removeEventListener("abort", disconnect);
    }
  })();
  exchange.waitUntil(running);
  return responded.promise;
}

/** An accepted WebSocket as events, in both directions at the pace of the slower side. */
class AcceptedSocket {
  readonly #socket: WebSocket;
  /** The client is not read while messages wait for `receive()`. */
  readonly #messages: AsyncIterator<unknown, undefined>;
  readonly #opened: Promise<unknown>;
  #disconnect: ReceiveEvent = { type: "websocket.disconnect", code: 1006, reason: "" };
  #state: "open" | "closing" | "disconnected" = "open";

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    this.#opened = new Promise((resolve) => {
      if (socket.readyState !== socket.CONNECTING) resolve(undefined);
      socket.addEventListener("open", resolve, { once: true });
      socket.addEventListener("close", resolve, { once: true });
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.#state = "disconnected";
      this.#disconnect = { type: "websocket.disconnect", code, reason };
    });
    this.#messages = messages(socket);
  }

  /** After the last message each call returns the disconnect. */
  async receive(): Promise<ReceiveEvent> {
    const { done, value } = await this.#messages.next();
    if (done === true) return this.#disconnect;
    return typeof value === "string"
      ? { type: "websocket.receive", bytes: null, text: value }
      : { type: "websocket.receive", bytes: new Uint8Array(value as ArrayBuffer), text: null };
  }

  /** Fulfils when the system has taken the message, so a slow client slows down the application. */
  async send(event: WebSocketEvent): Promise<void> {
    if (event.type !== "websocket.send" && event.type !== "websocket.close") {
      throw outOfOrder(event.type, "after the handshake was accepted");
    }
    await this.#opened;
    if (this.#state === "closing") throw outOfOrder(event.type, "after websocket.close");
    if (event.type === "websocket.close") {
      this.close(event.code ?? 1000, event.reason ?? "");
      return;
    }
    if (this.#isDisconnected()) throw clientDisconnected();
    const { bytes = null, text = null } = event;
    if ((bytes === null) === (text === null)) throw new TypeError("ASGI: a message has either bytes or text");
    try {
      // A message cannot be a view of shared memory; the bytes of an application are not shared.
      await sendMessage(this.#socket, text ?? (bytes as Uint8Array<ArrayBuffer>));
    } catch (error) {
      throw this.#isDisconnected() || this.#socket.readyState !== this.#socket.OPEN ? clientDisconnected(error) : error;
    }
  }

  close(code: number, reason = ""): void {
    if (this.#state !== "open") return;
    // It throws for a code or a reason that cannot be sent, and the socket is open then.
    this.#socket.close(code, reason);
    this.#state = "closing";
  }

  #isDisconnected(): boolean {
    return this.#state === "disconnected";
  }
}
