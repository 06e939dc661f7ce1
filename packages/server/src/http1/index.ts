/**
 * Sans-IO HTTP/1.1 for servers (RFC 9112): bytes in, events out; response heads and chunks as text. No socket, no clock.
 *
 * @module @tsgi/server/http1
 */
export {
  RequestError,
  type RefusalStatus,
  type RequestErrorCode,
  ResponseError,
  type ResponseErrorCode,
} from "./errors.ts";
export { type DataEvent, type EndEvent, type RequestEvent, type ParserCaches, RequestParser } from "./parser.ts";
export { DEFAULT_HEAD_LIMITS, type HeadLimits, readHead, type RequestHead } from "./request-head.ts";
export {
  chunkStart,
  contentLengthLine,
  lastChunk,
  reasonPhrase,
  ResponseHeadEncoder,
  type ResponseFields,
  statusLine,
  trailerLine,
} from "./response-head.ts";
