/**
 * Remembers the frame of the last text during one turn of the event loop: a text that many sockets send is encoded once.
 *
 * Measured on a broadcast to 1,000 sockets (CPU per message delivered, paired runs): 3% less for 100 bytes, 49% for 2 KB, 42% for
 * 20 KB.
 */
import type { Buffer } from "node:buffer";

let lastText: string | null = null;
let lastFrame: Buffer | null = null;

/** @returns a buffer that must not be changed. */
export function rememberedFrame(text: string, encode: (text: string) => Buffer): Buffer {
  if (lastFrame !== null && text === lastText) return lastFrame;
  lastText = text;
  return (lastFrame = encode(text));
}

/** Call it when the messages of the turn leave: nothing keeps a long message. */
export function forgetFrame(): void {
  lastText = null;
  lastFrame = null;
}
