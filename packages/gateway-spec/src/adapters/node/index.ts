/** The contract and node's `(req, res)`, each way round; and the core that servers on node:http build on. */
export type { Hosted } from "../lifespan.ts";
export { handleExchange, NodeExchange, type NodeHost } from "./exchange.ts";
export { fromNode } from "./from-node.ts";
export { type NodeListener, toNode, type ToNodeOptions } from "./to-node.ts";
