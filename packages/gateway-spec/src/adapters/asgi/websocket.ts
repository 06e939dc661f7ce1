/** The websocket scope, on `exchange.upgradeWebSocket`. */
import { exchangeError } from "../../server-kit/refusals.ts";
import type { Exchange, IncomingRequest, OutgoingResponse } from "../../index.ts";
import { AsgiResponse } from "./response.ts";
import { toFields, toWebSocketScope } from "./scope.ts";
import { type AsgiApplication, outOfOrder, type Receive, type ReceiveEvent, type Send } from "./types.ts";

export function runWebSocket(
  application: AsgiApplication,
  request: IncomingRequest,
  exchange: Exchange,
  state: Record<string, unknown>,
): Promise<OutgoingResponse> {
  const answered = Promise.withResolvers<OutgoingResponse>();
  const denial = new AsgiResponse();
  const handshake: { socket: AcceptedSocket | null; refused: boolean } = { socket: null, refused: false };
  let connected = false;
  const { signal } = request;
  const gone = () => {
    denial.gone();
  };
  signal.addEventListener("abort", gone, { once: true });

  const receive: Receive = async () => {
    if (!connected) {
      connected = true;
      return { type: "websocket.connect" };
    }
    if (handshake.socket !== null) return handshake.socket.receive();
    await denial.over;
    // RFC 6455 §7.4.1: 1006 stands for a connection without a closing handshake.
    return { type: "websocket.disconnect", code: 1006, reason: "" };
  };

  const send: Send = async (event) => {
    if (handshake.socket !== null) {
      await handshake.socket.send(event);
    } else if (event.type === "websocket.accept") {
      if (handshake.refused) throw outOfOrder(event, "after the handshake was refused");
      const protocol = event.subprotocol ?? undefined;
      const headers = toFields(event.headers);
      const upgrade = exchange.upgradeWebSocket?.({ ...(protocol === undefined ? {} : { protocol }), headers });
      if (upgrade === undefined) throw outOfOrder(event, "to a request that is no handshake");
      handshake.socket = new AcceptedSocket(upgrade.socket);
      answered.resolve(upgrade.response);
    } else if (event.type === "websocket.close" || event.type === "websocket.http.response.start") {
      const isClose = event.type === "websocket.close";
      denial.start(isClose ? { type: event.type, status: 403 } : event);
      handshake.refused = true;
      if (isClose) await denial.body({ type: event.type });
    } else if (event.type === "websocket.http.response.body") {
      await denial.body(event);
    } else {
      throw outOfOrder(event, "before the handshake was accepted");
    }
  };
  denial.answer.then(answered.resolve, answered.reject);

  const running = (async () => {
    try {
      await application(toWebSocketScope(request, exchange, state), receive, send);
      handshake.socket?.close(1000);
      if (handshake.socket === null) denial.finish();
    } catch (error) {
      // RFC 6455 §7.4.1: 1011 is "an unexpected condition".
      handshake.socket?.close(1011);
      if (handshake.socket !== null || denial.isComplete) throw error;
      denial.finish(error);
    } finally {
      signal.removeEventListener("abort", gone);
    }
  })();
  exchange.waitUntil(running);
  return answered.promise;
}

/** A standard WebSocket as events. */
class AcceptedSocket {
  readonly #socket: WebSocket;
  readonly #events: ReceiveEvent[] = [];
  readonly #opened: Promise<unknown>;
  #wake: (() => void) | null = null;
  #state: "open" | "closing" | "disconnected" = "open";

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    this.#opened = new Promise((resolve) => {
      if (socket.readyState !== socket.CONNECTING) resolve(undefined);
      socket.addEventListener("open", resolve, { once: true });
      socket.addEventListener("close", resolve, { once: true });
    });
    socket.addEventListener("message", (event) => {
      const data: unknown = event.data;
      if (typeof data === "string") this.#push({ type: "websocket.receive", bytes: null, text: data });
      else if (data instanceof ArrayBuffer) {
        this.#push({ type: "websocket.receive", bytes: new Uint8Array(data), text: null });
      }
    });
    socket.addEventListener("close", ({ code, reason }) => {
      this.#state = "disconnected";
      this.#push({ type: "websocket.disconnect", code, reason });
    });
  }

  async receive(): Promise<ReceiveEvent> {
    for (;;) {
      const event = this.#events[0];
      if (event !== undefined) {
        // The disconnect is the last word, for as often as it is asked for.
        if (event.type !== "websocket.disconnect") this.#events.shift();
        return event;
      }
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async send(event: Parameters<Send>[0]): Promise<void> {
    if (event.type !== "websocket.send" && event.type !== "websocket.close") {
      throw outOfOrder(event, "after the handshake was accepted");
    }
    await this.#opened;
    if (this.#state === "closing") throw outOfOrder(event, "after websocket.close");
    if (this.#state === "disconnected") {
      throw exchangeError("CLIENT_DISCONNECTED", "The client went away; nothing more can be sent");
    }
    if (event.type === "websocket.close") {
      this.close(event.code ?? 1000, event.reason ?? "");
      return;
    }
    const { bytes = null, text = null } = event;
    if ((bytes === null) === (text === null)) throw new TypeError("ASGI: a message has either bytes or text");
    // A view on shared memory is no message; an application's bytes are not shared.
    this.#socket.send(text ?? (bytes as Uint8Array<ArrayBuffer>));
  }

  close(code: number, reason = ""): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#socket.close(code, reason);
  }

  #push(event: ReceiveEvent): void {
    this.#events.push(event);
    this.#wake?.();
    this.#wake = null;
  }
}
