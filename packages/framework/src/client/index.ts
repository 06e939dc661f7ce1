/**
 * Calls routes over HTTP, typed by their values. Runs in a browser.
 *
 * @module @tsgi/framework/client
 */
export { call, client, ClientError, type Caller, type CallInput, type CallOptions, type CallOutput } from "./client.ts";
