/**
 * What `toFetch` and servers on Fetch-style hosts share: the exchange over a `Request` that gives a `Response`.
 *
 * @module @tsgi/gateway-spec/server-kit/fetch
 */
export { FetchExchange, type FetchHost } from "./exchange.ts";
