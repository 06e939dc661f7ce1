/** A client of raw bytes: it sends a string and waits for text. It does not parse HTTP. */
import { connect, type Socket } from "node:net";
import type { Address } from "@tsgi/gateway-spec";

export class WireClient {
  readonly socket: Socket;
  /** All received bytes, one character for each. */
  received = "";
  #ended = false;
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void; readonly reject: () => void }[] = [];

  /** @param socket a socket that is not connected by plain TCP. */
  constructor(address: Address, socket: Socket = open(address)) {
    this.socket = socket;
    this.socket.on("data", (bytes) => {
      this.received += bytes.toString("latin1");
      this.#look();
    });
    // A reset ends the connection too.
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

  /** Waits until `text` has arrived so many times. Resolves to all received text. */
  async until(text: string, times = 1): Promise<string> {
    await this.#wait(() => this.received.split(text).length > times, `${times} × ${JSON.stringify(text)}`);
    return this.received;
  }

  /** Waits for the end of the connection. Resolves to all received text. */
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

/** The content of the last response in received text. */
export function lastContent(received: string): string {
  return received.slice(received.lastIndexOf("\r\n\r\n") + 4);
}

/** A request without content, with these fields. */
export function get(target: string, ...fields: string[]): string {
  return `${[`GET ${target} HTTP/1.1`, "Host: test", ...fields].join("\r\n")}\r\n\r\n`;
}

export function post(target: string, content: string, ...fields: string[]): string {
  return `${[`POST ${target} HTTP/1.1`, "Host: test", ...fields].join("\r\n")}\r\n\r\n${content}`;
}
