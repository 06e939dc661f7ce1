/** How many connections each client holds. The same for every server. */
import type { Socket } from "node:net";

export class Crowd {
  readonly #limit: number;
  readonly #counts = new Map<string, number>();

  /** @param limit connections of one client address; infinity counts none. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Counts a connection until it closes, unless its client has all that it may have. One without an address is let in. */
  admits(socket: Socket): boolean {
    const client = socket.remoteAddress;
    if (this.#limit === Number.POSITIVE_INFINITY || client === undefined) return true;
    const count = this.#counts.get(client) ?? 0;
    if (count >= this.#limit) return false;
    this.#counts.set(client, count + 1);
    socket.on("close", () => {
      this.#leave(client);
    });
    return true;
  }

  #leave(client: string): void {
    const count = this.#counts.get(client) ?? 1;
    if (count === 1) this.#counts.delete(client);
    else this.#counts.set(client, count - 1);
  }
}
