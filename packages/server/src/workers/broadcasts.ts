/** Relays the messages of the framework's `workerTopics` between the threads of this process and the other workers. */
import { CHANNEL } from "./channel.ts";
import { BROADCAST_CHANNEL } from "./messages.ts";

/** Runs once in a process: a BroadcastChannel reaches its other threads by itself, and does not receive what it posts. */
export function relayBroadcasts(): BroadcastChannel {
  const channel = new BroadcastChannel(BROADCAST_CHANNEL);
  channel.unref();
  channel.addEventListener("message", ({ data }: { readonly data: unknown }) => {
    CHANNEL.send({ kind: "broadcast", message: data });
  });
  return channel;
}
