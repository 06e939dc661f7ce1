/** An event stream of the time. It ends when the client disconnects or the server shuts down. */
import { setTimeout } from "node:timers/promises";
import type { Handler } from "@tsgi/gateway-spec";
import { eventStream } from "@tsgi/gateway-spec/events";

export const application: Handler = (_request, { draining }) => eventStream(ticks(), { draining });

async function* ticks() {
  for (;;) {
    yield { event: "tick", data: new Date().toISOString() };
    await setTimeout(1000);
  }
}
