/**
 * 35 A clock as an event stream.
 *
 * Where only the server sends, an event stream is enough: a response that does not end, with one event after the other as text.
 * A browser reads it by `new EventSource("/clock")`, and reconnects by itself with the id of the last event.
 *
 *     $ tsgi 7788 ./35-event-stream-clock.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl -N http://127.0.0.1:7788/clock | head -3
 *     event: tick
 *     id: 1
 *     data: …-…-…T…
 *     $ curl -N -H 'Last-Event-ID: 41' http://127.0.0.1:7788/clock | head -2
 *     event: tick
 *     id: 42
 */
import { setTimeout } from "node:timers/promises";
import { App } from "@tsgi/framework";
import { events } from "@tsgi/framework/streams";

const app = new App();

app.get("/clock", (context) =>
  events(context, async function* (lastEventId) {
    for (let id = Number(lastEventId ?? 0) + 1; ; id += 1) {
      yield { id, event: "tick", data: new Date().toISOString() };
      await setTimeout(1000);
    }
  }),
);

export default app;

/**
 * Exercise: write a page that shows the clock, and stop the server while it is open; what does the browser do?
 * Question: a proxy ends connections that are idle for a minute; what does the server send to prevent that?
 */
