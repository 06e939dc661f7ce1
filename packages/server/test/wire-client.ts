/** A client that speaks bytes: it sends what it is told, and waits for what comes. Nothing here knows HTTP. */
import { connect, type Socket } from "node:net";
import type { Address } from "@tsgi/gateway-spec";

export class WireClient {
  readonly socket: Socket;
  /** All that came, a character a byte. */
  received = "";
  #ended = false;
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void; readonly reject: () => void }[] = [];

  /** @param socket one that is connected in another way than by plain TCP. */
  constructor(address: Address, socket: Socket = open(address)) {
    this.socket = socket;
    this.socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
      this.#look();
    });
    // A connection that is cut ends as well as one that is closed.
    this.socket.on("error", () => undefined);
    this.socket.on("end", () => {
      this.#end();
    });
    this.socket.on("close", () => {
      this.#end();
    });
  }

  send(text: string): this {
    this.socket.write(text, "latin1");
    return this;
  }

  /** Waits until `text` has come so many times. Gives all that came. */
  async until(text: string, times = 1): Promise<string> {
    await this.#wait(() => this.received.split(text).length > times, `${times} × ${JSON.stringify(text)}`);
    return this.received;
  }

  /** Waits for the connection's end. Gives all that came. */
  async end(): Promise<string> {
    await this.#wait(() => this.#ended, "the end");
    this.socket.destroy();
    return this.received;
  }

  #end(): void {
    this.#ended = true;
    this.#look();
  }

  #wait(holds: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const failed = () => {
        reject(new Error(`The connection ended without ${what}, after ${JSON.stringify(this.received)}`));
      };
      this.#waiting.push({ holds, resolve, reject: failed });
      this.#look();
    });
  }

  #look(): void {
    this.#waiting = this.#waiting.filter(({ holds, resolve, reject }) => {
      if (holds()) resolve();
      else if (this.#ended) reject();
      else return true;
      return false;
    });
  }
}

function open(address: Address): Socket {
  return address.transport === "unix"
    ? connect(address.path)
    : connect({ port: address.port, host: address.hostname, allowHalfOpen: true });
}

/** The content of the last response in what was received. */
export function lastContent(received: string): string {
  return received.slice(received.lastIndexOf("\r\n\r\n") + 4);
}

/** A request without content, its fields between. */
export function get(target: string, ...fields: string[]): string {
  return `${[`GET ${target} HTTP/1.1`, "Host: test", ...fields].join("\r\n")}\r\n\r\n`;
}

export function post(target: string, content: string, ...fields: string[]): string {
  return `${[`POST ${target} HTTP/1.1`, "Host: test", ...fields].join("\r\n")}\r\n\r\n${content}`;
}
