/**
 * Messages to every listener of a topic: within one process, across the workers of one command, and across machines by an adapter of
 * the same two methods. A message is a hint that something has changed, and may be lost. The database holds the truth: a listener
 * reads it again, and a client that reconnects reads what it missed by its `Last-Event-ID`.
 */
import { Listeners } from "./listeners.ts";

/**
 * Messages by topic, to every listener of the topic. {@link localTopics} reaches one process; an adapter over a broker has the same
 * methods. A message is a hint that something has changed, and may be lost: the truth is in the database.
 */
export interface Topics {
  /**
   * Sends a message to every listener of the topic, this process included. A message that cannot be sent is no error of the
   * publisher, whose change is already in the database: the promise fulfils, and the listeners that missed it get `onGap`.
   */
  publish(topic: string, message: string): Promise<void>;
  /**
   * @param listener must not throw: the error would be an uncaught exception of the process. The other listeners get the message.
   * @param onGap is called where messages of the topic may have been lost, such as after a reconnection to a broker. Listeners of
   * changes read the database again.
   * @returns a function that ends the subscription.
   */
  subscribe(topic: string, listener: (message: string) => void, onGap?: () => void): () => void;
}

/** Topics of one process and thread. */
export function localTopics(): Topics {
  const listeners = new Listeners();
  return {
    publish: (topic, message) => {
      listeners.deliver(topic, message);
      return Promise.resolve();
    },
    subscribe: (topic, listener, onGap) => listeners.add(topic, listener, onGap),
  };
}

/** The BroadcastChannel that the `tsgi` command passes on between its workers. */
const CHANNEL = "tsgi.topics";

/**
 * Topics of all workers and threads of one `tsgi` command. It needs no server: messages go through the `BroadcastChannel`
 * `tsgi.topics`, which reaches the threads of a process, and the supervisor passes them on to its other workers.
 */
export function workerTopics(): Topics {
  const listeners = new Listeners();
  const channel = new BroadcastChannel(CHANNEL);
  // An open channel must not keep a program from its end. Node and Bun have unref.
  (channel as { readonly unref?: () => void }).unref?.();
  channel.addEventListener("message", ({ data }: { readonly data: unknown }) => {
    if (isEnvelope(data)) listeners.deliver(...data);
  });
  return {
    publish: (topic, message) => {
      // A channel does not receive its own messages.
      listeners.deliver(topic, message);
      channel.postMessage([topic, message]);
      return Promise.resolve();
    },
    subscribe: (topic, listener, onGap) => listeners.add(topic, listener, onGap),
  };
}

function isEnvelope(data: unknown): data is readonly [topic: string, message: string] {
  return Array.isArray(data) && data.length === 2 && data.every((part) => typeof part === "string");
}
