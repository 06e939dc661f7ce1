/**
 * Adapters for the Fetch Server API, a draft for Ecma TC55 (WinterTC), in both directions.
 *
 * @module @tsgi/gateway-spec/fetch-server
 */
export { toExchangeError, toProtocolError, type ProtocolErrorCode } from "./errors.ts";
export { fromServerContext, isHandlerObject, type FromServerContextOptions } from "./from-server-context.ts";
export { toServerContext, type ServerContextHandler, type ToServerContextOptions } from "./to-server-context.ts";
export {
  FALL_THROUGH,
  PROTOCOL_MARKER,
  type ConnectContext,
  type HandlerObject,
  type RequestPriority,
  type ServerContext,
  type SocketAddress,
} from "./types.ts";
