/** What every server needs of the contract, each mechanism once. docs/write-a-server.md builds a server with it. */
export {
  CONNECTION_FIELDS,
  eachField,
  FieldView,
  FORBIDDEN_IN_FIELD_VALUE,
  FORBIDDEN_TRAILERS,
  isPairs,
  TOKEN,
  toHeaderView,
  type FieldLines,
} from "./fields.ts";
export { exchangeError, failureResponse, plainResponse, refusalStatus, type PlainResponse } from "./refusals.ts";
export { cancelBody, hasNoContent, isWhole, openBody, type BodySource } from "./response-body.ts";
