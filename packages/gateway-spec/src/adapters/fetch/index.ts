/**
 * Adapters between the contract and `fetch` functions, in both directions.
 *
 * @module @tsgi/gateway-spec/fetch
 */
export { type ExecutionContext, type FetchHandler, fromFetch, type FromFetchOptions } from "./from-fetch.ts";
export { type FetchContext, type FetchListener, toFetch, type ToFetchOptions } from "./to-fetch.ts";
export type { LifespanHandle } from "../../server-kit/lifespan.ts";
