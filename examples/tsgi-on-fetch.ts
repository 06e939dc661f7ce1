/** A TSGI application on a Fetch host. */
import { toFetch } from "@tsgi/gateway-spec/fetch";

const fetch = toFetch((request) => ({ status: 200, body: `You asked for ${request.url}\n` }));
export default { fetch }; // Bun, workers; `Deno.serve(fetch)`; `hono.mount("/ours", fetch)`
