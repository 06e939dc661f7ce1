/** A scene within one process: both sides of it. */
import type { Scene, SceneClient } from "./case.ts";

export class LocalScene implements Scene, SceneClient {
  readonly #notes: string[] = [];
  readonly #cues = new Map<string, PromiseWithResolvers<void>>();
  #change = Promise.withResolvers<void>();

  note(text: string): void {
    this.#notes.push(text);
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }

  cued(cue: string): Promise<void> {
    return this.#cue(cue).promise;
  }

  cue(cue: string): Promise<void> {
    this.#cue(cue).resolve();
    return Promise.resolve();
  }

  notes(): Promise<readonly string[]> {
    return Promise.resolve(this.#notes.slice());
  }

  async noted(text: string): Promise<void> {
    while (!this.#notes.includes(text)) await this.#change.promise;
  }

  #cue(cue: string): PromiseWithResolvers<void> {
    let waiting = this.#cues.get(cue);
    if (waiting === undefined) {
      waiting = Promise.withResolvers<void>();
      this.#cues.set(cue, waiting);
    }
    return waiting;
  }
}
