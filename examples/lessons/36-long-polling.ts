/**
 * 36 Long polling.
 *
 * Before event streams, a client asked and the server waited with its response until there was something to say. The client says
 * which message it has seen last, so it misses none between two requests.
 *
 *     $ tsgi 7788 ./36-long-polling.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl 'http://127.0.0.1:7788/messages?after=0' & curl -d text=rain -o /dev/null http://127.0.0.1:7788/messages; wait
 *     [{"id":1,"text":"rain"}]
 *     $ curl 'http://127.0.0.1:7788/messages?after=0'
 *     [{"id":1,"text":"rain"}]
 */
import { EventEmitter, once } from "node:events";
import { App } from "@tsgi/framework";
import { z } from "zod";

const messages: { readonly id: number; readonly text: string }[] = [];
const added = new EventEmitter().setMaxListeners(0);
const app = new App();

app.get("/messages", { query: { after: z.coerce.number().int() } }, async ({ query, request, exchange }) => {
  const news = () => messages.filter(({ id }) => id > query.after);
  // The wait ends when the client disconnects or the server shuts down.
  const signal = AbortSignal.any([request.signal, exchange.draining, AbortSignal.timeout(30_000)]);
  while (news().length === 0 && !signal.aborted) await once(added, "message", { signal }).catch(() => undefined);
  return news();
});

app.post("/messages", { form: { text: z.string().min(1) } }, ({ form }) => {
  messages.push({ id: messages.length + 1, text: form.text });
  added.emit("message");
  return null;
});

export default app;

/**
 * Exercise: keep the last hundred messages only; what does a client get that asks for older ones?
 * Question: what does the server hold for each client that waits, and which limit of lesson 12 counts it?
 */
