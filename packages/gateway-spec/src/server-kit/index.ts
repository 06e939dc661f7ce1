/**
 * What every server needs of the contract, each mechanism once. The guide "Write your own server" builds a server with it.
 *
 * @module @tsgi/gateway-spec/server-kit
 */
export {
  boundAddress,
  CLIENT_ADDRESS,
  clientAddress,
  localAddress,
  peerAddress,
  serverUrl,
  tcpAddress,
  tlsInfo,
  type SocketLike,
} from "./addresses.ts";
export { BodyQueue, type BodyQueueOwner } from "./body-queue.ts";
export { BodyWriter, MAX_WRITE_BYTES, type BodySink } from "./body-writer.ts";
export { ExchangeState, type FailableContent, type Releasable } from "./exchange-state.ts";
export {
  checkField,
  CONNECTION_FIELDS,
  eachField,
  FieldView,
  FORBIDDEN_IN_FIELD_VALUE,
  FORBIDDEN_TRAILERS,
  informationalLines,
  isPairs,
  parseContentLength,
  TOKEN,
  toHeaderView,
  trailerLines,
  type FieldLines,
} from "./fields.ts";
export { checkInformationalStatus, checkResponse, checkStatus, isPromiseLike } from "./handler-result.ts";
export { currentScope, HandlerScope } from "./handler-scope.ts";
export { closable, Lifespan, lifespanHandle, type LifespanHandle } from "./lifespan.ts";
export { logHandlerError, refusalLine, STDERR_LOGGER } from "./log.ts";
export {
  clientDisconnected,
  contentMalformed,
  contentTimeout,
  contentTooLarge,
  exchangeError,
  failureResponse,
  plainResponse,
  refusalStatus,
  responseTimeout,
  serverClosed,
  type PlainResponse,
} from "./refusals.ts";
export {
  byteLength,
  cancelBody,
  cancelResponse,
  ContentCheck,
  hasNoContent,
  isWhole,
  lengthMismatch,
  cancelUnsentBody,
  openBody,
  type BodySource,
} from "./response-body.ts";
export { ServerExchange } from "./server-exchange.ts";
