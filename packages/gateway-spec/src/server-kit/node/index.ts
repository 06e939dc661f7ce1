/** What servers on node:http, node:https and node:http2 share: the exchange over node's `(req, res)`. */
export { NodeExchange, type NodeHost } from "./exchange.ts";
