/** A TSGI application on a host of the Fetch Server API draft. */
import { toServerContext } from "@tsgi/gateway-spec/fetch-server";

export default toServerContext((request) => ({ status: 200, body: `You asked for ${request.url}\n` }));
