/** Both sides of a probe in one process. */
import type { Probe, ProbeClient } from "./case.ts";

export class LocalProbe implements Probe, ProbeClient {
  readonly #records: string[] = [];
  readonly #gates = new Map<string, PromiseWithResolvers<void>>();
  #change = Promise.withResolvers<void>();

  record(text: string): void {
    this.#records.push(text);
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  released(name: string): Promise<void> {
    return this.#gate(name).promise;
  }

  release(name: string): Promise<void> {
    this.#gate(name).resolve();
    return Promise.resolve();
  }

  records(): Promise<readonly string[]> {
    return Promise.resolve(this.#records.slice());
  }

  async recorded(text: string): Promise<void> {
    while (!this.#records.includes(text)) await this.#change.promise;
  }

  #gate(name: string): PromiseWithResolvers<void> {
    let waiting = this.#gates.get(name);
    if (waiting === undefined) {
      waiting = Promise.withResolvers<void>();
      this.#gates.set(name, waiting);
    }
    return waiting;
  }
}
