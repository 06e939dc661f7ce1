/**
 * 39 A session.
 *
 * A session is the data of one visitor from request to request. Here it is in the cookie, encrypted and signed, so the server
 * keeps nothing. With a store, the cookie holds only an id.
 *
 *     $ tsgi 7788 ./39-session.ts &
 *     tsgi: http://127.0.0.1:7788/ (socket server, pid …)
 *     $ curl -d item=tea -c /tmp/jar -L http://127.0.0.1:7788/basket
 *     [tea] added tea
 *     $ curl -d item=milk -b /tmp/jar -c /tmp/jar -L http://127.0.0.1:7788/basket
 *     [tea, milk] added milk
 *     $ curl -b /tmp/jar http://127.0.0.1:7788/basket
 *     [tea, milk]
 *     $ curl http://127.0.0.1:7788/basket
 *     []
 */
import { App } from "@tsgi/framework";
import { sessions } from "@tsgi/framework/sessions";
import { z } from "zod";

const key = process.env["SESSION_KEY"] ?? "for development only: 32 characters and more";
const session = sessions({ keys: [key], data: z.object({ items: z.array(z.string()) }) });
const app = new App();

app.get("/basket", { needs: { session } }, ({ session }) => {
  const flashes = session.takeFlashes().map((message) => ` ${message}`);
  return `[${(session.data?.items ?? []).join(", ")}]${flashes.join("")}\n`;
});

app.post("/basket", { needs: { session }, form: { item: z.string().min(1).max(20) } }, (context) => {
  const { session, form, redirect } = context;
  session.start({ items: [...(session.data?.items ?? []), form.item] });
  session.flash(`added ${form.item}`);
  return redirect("/basket");
});

export default app;

/**
 * Exercise: add a button that empties the basket by `session.end()`; which of the data survives it?
 * Question: what must a server do at a login with the id of a session that existed before?
 */
