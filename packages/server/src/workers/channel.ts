/** The channel between a worker and what started it: a process and the supervisor, or a thread and its process. */
import { isMainThread, parentPort } from "node:worker_threads";
import type { FromWorker, ToWorker } from "./messages.ts";

export interface Channel {
  /** @param sent called when the message has left, and at once where the other side is gone. */
  send(message: FromWorker, sent?: () => void): void;
  onMessage(receive: (message: ToWorker) => void): void;
  /** The other side is gone. */
  onClose(closed: () => void): void;
}

export const CHANNEL: Channel = isMainThread || parentPort === null ? processChannel() : threadChannel(parentPort);

function processChannel(): Channel {
  return {
    send: (message, sent = () => undefined) => {
      if (process.connected) process.send?.(message, undefined, undefined, sent);
      else sent();
    },
    onMessage: (receive) => void process.on("message", receive),
    onClose: (closed) => void process.on("disconnect", closed),
  };
}

/** A thread outlives its process in no case. */
function threadChannel(port: NonNullable<typeof parentPort>): Channel {
  return {
    send: (message, sent) => {
      port.postMessage(message, []);
      sent?.();
    },
    onMessage: (receive) => void port.on("message", receive),
    onClose: (closed) => void port.on("close", closed),
  };
}
