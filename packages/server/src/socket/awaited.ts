/** Exchanges whose `completed` someone waits for: from the end of their response until its last byte is in the system's hands. */
import type { ExchangeError } from "@tsgi/gateway-spec";
import type { SocketExchange } from "./exchange.ts";
import type { Outbox } from "./outbox.ts";

export class AwaitedExchanges {
  #withOutbox: SocketExchange[] = [];
  #withSocket: SocketExchange[] = [];

  /** @param exchange whose response is complete, but for what the outbox still holds. */
  add(exchange: SocketExchange): void {
    this.#withOutbox.push(exchange);
  }

  /** Gives the socket what the outbox holds, and hears when the system has it. */
  flush(outbox: Outbox): void {
    // Each is handed over once: a second, empty write could come after the end, and node cuts a connection for that.
    const handed = this.#withOutbox;
    if (handed.length === 0) {
      outbox.flush();
      return;
    }
    this.#withOutbox = [];
    this.#withSocket.push(...handed);
    outbox.flush(() => {
      for (const exchange of handed) exchange.succeed();
      this.#withSocket = this.#withSocket.filter((exchange) => exchange.running);
    });
  }

  fail(error: ExchangeError): void {
    for (const exchange of [...this.#withSocket, ...this.#withOutbox]) exchange.fail(error);
    this.#withSocket = [];
    this.#withOutbox = [];
  }
}
