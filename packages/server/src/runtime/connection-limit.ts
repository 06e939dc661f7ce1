/** Bounds the connections of a server, in all and for each client address. */
import type { Socket } from "node:net";
import { clientAddress } from "@tsgi/gateway-spec/server-kit";
import type { Limits } from "../options.ts";

export class ConnectionLimit {
  readonly #limit: number;
  readonly #limitPerClient: number;
  readonly #perClient = new Map<string, number>();
  #count = 0;

  constructor({ maxConnections, maxConnectionsPerClient }: Pick<Limits, "maxConnections" | "maxConnectionsPerClient">) {
    this.#limit = maxConnections;
    this.#limitPerClient = maxConnectionsPerClient;
  }

  /**
   * Admits an accepted TCP connection, its TLS handshake included, and counts it until it closes. A connection beyond a limit is
   * destroyed. A Unix domain socket has no client address, so that only the limit of all counts there.
   */
  admits(socket: Socket): boolean {
    const address = this.#limitPerClient === Number.POSITIVE_INFINITY ? null : clientAddress(socket);
    const client = address?.transport === "tcp" ? address.hostname : undefined;
    const ofClient = client === undefined ? 0 : (this.#perClient.get(client) ?? 0);
    if (this.#count >= this.#limit || ofClient >= this.#limitPerClient) {
      socket.destroy();
      return false;
    }
    this.#count++;
    if (client !== undefined) this.#perClient.set(client, ofClient + 1);
    if (client === undefined) socket.on("close", this.#closed);
    else socket.on("close", () => this.#closedOf(client));
    return true;
  }

  /** One listener for all connections, without the wrapper of `once`: a connection closes once. */
  readonly #closed = (): void => {
    this.#count--;
  };

  #closedOf(client: string): void {
    this.#count--;
    const count = this.#perClient.get(client) ?? 1;
    if (count === 1) this.#perClient.delete(client);
    else this.#perClient.set(client, count - 1);
  }
}
