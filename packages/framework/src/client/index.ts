/** `@tsgi/framework/client`: calls routes over HTTP, typed by their values. Runs in a browser. */
export { call, client, ClientError, type Caller, type CallInput, type CallOptions, type CallOutput } from "./client.ts";
