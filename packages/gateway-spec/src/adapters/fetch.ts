/** The contract and Fetch, each way round. */
export { type ExecutionContext, type FetchHandler, fromFetch, type FromFetchOptions } from "./fetch-from.ts";
export { type FetchContext, type FetchListener, toFetch, type ToFetchOptions } from "./fetch-to.ts";
export type { Hosted } from "./lifespan.ts";
