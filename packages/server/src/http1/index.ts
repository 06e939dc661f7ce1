/** Sans-IO HTTP/1.1 for servers (RFC 9112): bytes in, events out; response heads and chunks as text. No socket, no clock. */
export {
  RequestError,
  type RefusalStatus,
  type RequestErrorCode,
  ResponseError,
  type ResponseErrorCode,
} from "./errors.ts";
export { DEFAULT_HEAD_LIMITS, type HeadLimits, RequestHead } from "./head.ts";
export { Vocabulary } from "./vocabulary.ts";
export { type DataEvent, type EndEvent, type RequestEvent, RequestParser } from "./parser.ts";
export {
  chunkStart,
  contentLengthLine,
  trailerLine,
  HeadWriter,
  lastChunk,
  reasonPhrase,
  statusLine,
} from "./encode.ts";
