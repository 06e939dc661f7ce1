/** A WebSocket over Bun's. */
import { HostTransport, HostUpgrade } from "../fetch-host/websocket.ts";
import { Pings } from "../websocket/offer.ts";
import type { Outgoing, Sent } from "../websocket/socket.ts";
import type { BunSocket } from "./bun.ts";

export class BunUpgrade extends HostUpgrade {
  #socket: BunSocket<unknown> | null = null;
  #transport: BunTransport | null = null;
  #pings: Pings | null = null;

  /** Bun opens the socket inside of the call that upgrades the request; the exchange completes first. */
  opening(socket: BunSocket<unknown>): void {
    this.#socket = socket;
  }

  open(): void {
    const socket = this.#socket;
    if (socket === null) return;
    this.#transport = new BunTransport(socket);
    const ping = () => {
      socket.ping();
    };
    const lost = () => {
      socket.terminate();
    };
    this.#pings = new Pings(this.pingIntervalMs, ping, () => false, lost);
    this.connected(this.#transport);
  }

  alive(): void {
    this.#pings?.received();
  }

  drained(): void {
    this.#transport?.drained();
  }

  override closed(code: number, reason: string): void {
    this.#pings?.stop();
    this.#transport?.closed();
    super.closed(code, reason);
  }
}

class BunTransport extends HostTransport {
  readonly #socket: BunSocket<unknown>;
  #waiting: Sent[] = [];

  constructor(socket: BunSocket<unknown>) {
    super();
    this.#socket = socket;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    return this.#socket.readyState as 0 | 1 | 2 | 3;
  }

  get bufferedAmount(): number {
    return this.#socket.getBufferedAmount();
  }

  close(code?: number, reason?: string): void {
    this.#socket.close(code, reason);
  }

  terminate(): void {
    this.#socket.terminate();
  }

  /** The client has read what waited. */
  drained(): void {
    for (const sent of this.#waiting.splice(0)) sent();
  }

  /** What waits will not be sent. */
  closed(): void {
    for (const sent of this.#waiting.splice(0)) sent(new DOMException("The WebSocket is closed", "InvalidStateError"));
  }

  protected override write(data: Exclude<Outgoing, Blob>, sent: Sent | undefined): void {
    const bytes = this.#socket.send(data);
    if (sent === undefined) return;
    if (bytes === -1) this.#waiting.push(sent);
    else sent();
  }
}
