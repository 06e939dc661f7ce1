/**
 * Adapters between the contract and node's `(req, res)`, in both directions.
 *
 * @module @tsgi/gateway-spec/node
 */
export type { LifespanHandle } from "../../server-kit/lifespan.ts";
export { fromNode } from "./from-node.ts";
export { type NodeListener, toNode, type ToNodeOptions } from "./to-node.ts";
