/** A handler object of the Fetch Server API draft on a TSGI server. */
import { fromServerContext } from "@tsgi/gateway-spec/fetch-server";

export const application = fromServerContext({
  [Symbol.for("wintertc.server.protocol")]: 1,
  fetch: (ctx) => new Response(`You asked for ${ctx.request.url}\n`),
});
