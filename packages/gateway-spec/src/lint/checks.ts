/** Every check of the lint: the rule of SPEC.md that it holds, whose violation it is, and what that rule expects. */

export interface Check {
  /** Such as `TSGI-16`. */
  readonly rule: string;
  /** Who broke the rule. */
  readonly side: "server" | "application";
  /** A noun phrase. */
  readonly expected: string;
}

const TABLE = {
  "request-method": { rule: "TSGI-1", side: "server", expected: "a token" },
  "request-url": {
    rule: "TSGI-2",
    side: "server",
    expected: "an absolute http or https URL without fragment, its percent-triplets as in the target",
  },
  "request-url-scheme": { rule: "TSGI-3", side: "server", expected: "https exactly where the exchange is encrypted" },
  "request-header-name": { rule: "TSGI-4", side: "server", expected: "a lower-case token" },
  "request-header-value": {
    rule: "TSGI-4",
    side: "server",
    expected: "a string of field characters without white space around it",
  },
  "request-header-joined": {
    rule: "TSGI-5",
    side: "server",
    expected: "each name once (but set-cookie), with the value that get gives; null for an absent field; has as get",
  },
  "header-lookup-case": { rule: "TSGI-6", side: "application", expected: "a lower-case name" },
  "request-body-presence": {
    rule: "TSGI-7",
    side: "server",
    expected: "null where the message has no content, an async iterable where it has some",
  },
  "request-body-chunk": { rule: "TSGI-8", side: "server", expected: "chunks that are Uint8Arrays" },
  "request-body-chunk-reused": { rule: "TSGI-8", side: "server", expected: "memory left alone once it was given" },
  "request-body-read-twice": { rule: "TSGI-9", side: "application", expected: "one reader of the request body" },
  "request-body-length": { rule: "TSGI-11", side: "server", expected: "as many bytes as Content-Length says" },
  "request-body-error": { rule: "TSGI-11", side: "server", expected: "a rejection with an ExchangeError" },
  "signal-kind": { rule: "TSGI-13", side: "server", expected: "one AbortSignal, the same at every touch" },
  "signal-reason": { rule: "TSGI-13", side: "server", expected: "an ExchangeError as the reason of signal" },
  "signal-after-success": { rule: "TSGI-13", side: "server", expected: "no abort of signal after completed fulfilled" },
  "request-trailers": {
    rule: "TSGI-14",
    side: "server",
    expected: "a promise of a HeaderView that fulfils after the body's end, or rejects with an ExchangeError",
  },
  "response-shape": { rule: "TSGI-15", side: "application", expected: "an object with status" },
  "response-status": {
    rule: "TSGI-16",
    side: "application",
    expected: "an integer from 200 to 599, or 101 after upgradeWebSocket",
  },
  "response-header-name": { rule: "TSGI-17", side: "application", expected: "a token" },
  "response-header-value": {
    rule: "TSGI-17",
    side: "application",
    expected: "a string of field characters without white space around it",
  },
  "response-connection-field": { rule: "TSGI-18", side: "application", expected: "no field of the connection" },
  "response-content-length": {
    rule: "TSGI-20",
    side: "application",
    expected: "one decimal number, the length of the body in bytes",
  },
  "response-body-kind": {
    rule: "TSGI-21",
    side: "application",
    expected: "a string, a Uint8Array, an async iterable, a stream, null or nothing",
  },
  "response-body-chunk": { rule: "TSGI-22", side: "application", expected: "chunks that are strings or Uint8Arrays" },
  "response-body-chunk-reused": {
    rule: "TSGI-22",
    side: "application",
    expected: "memory left alone once it was given",
  },
  "response-body-reused": { rule: "TSGI-23", side: "application", expected: "a body in pieces to be returned once" },
  "response-body-not-allowed": { rule: "TSGI-24", side: "application", expected: "no body with 204, 205 or 304" },
  "body-pulled-without-content": {
    rule: "TSGI-24",
    side: "server",
    expected: "a body of HEAD, 204, 205 or 304 to be cancelled unread",
  },
  "body-pulled-concurrently": {
    rule: "TSGI-25",
    side: "server",
    expected: "a next chunk to be asked for after the last one came",
  },
  "response-trailer-announced": {
    rule: "TSGI-26",
    side: "application",
    expected: "each trailer's name in the Trailer field of the head",
  },
  "response-trailer-field": {
    rule: "TSGI-26",
    side: "application",
    expected: "no field of framing, routing, authentication or content in trailers",
  },
  "trailers-call": { rule: "TSGI-26", side: "server", expected: "one call of trailers, after the body's end" },
  "exchange-member": { rule: "TSGI-27", side: "server", expected: "every member of Exchange, of its type" },
  "exchange-target": { rule: "TSGI-27", side: "server", expected: "a request target (RFC 9112 §3.2)" },
  "member-copied": {
    rule: "TSGI-29",
    side: "application",
    expected: "no copy by spread or Object.assign: members may be getters",
  },
  "method-detached": {
    rule: "TSGI-29",
    side: "application",
    expected: "members used on the object itself: they may need it as this",
  },
  "completed-early": {
    rule: "TSGI-30",
    side: "server",
    expected: "completed to fulfil after the handler answered and the body was read to its end",
  },
  "completed-reason": { rule: "TSGI-30", side: "server", expected: "completed to reject with an ExchangeError" },
  "completed-and-signal": {
    rule: "TSGI-30",
    side: "server",
    expected: "signal to abort exactly where completed rejects",
  },
  "wait-until-promise": { rule: "TSGI-31", side: "application", expected: "a promise" },
  "capability-kind": { rule: "TSGI-32", side: "server", expected: "a function, or no such member" },
  "informational-status": { rule: "TSGI-33", side: "application", expected: "an integer from 102 to 199" },
  "informational-late": { rule: "TSGI-33", side: "application", expected: "a call before the handler has answered" },
  "informational-http10": { rule: "TSGI-33", side: "server", expected: "no sendInformational for HTTP/1.0" },
  "startup-once": { rule: "TSGI-35", side: "server", expected: "one call of startup before a shutdown" },
  "fetch-before-startup": { rule: "TSGI-35", side: "server", expected: "no fetch before startup has fulfilled" },
  "state-identity": { rule: "TSGI-36", side: "server", expected: "what startup returned" },
  "shutdown-once": { rule: "TSGI-37", side: "server", expected: "one call of shutdown after a startup" },
  "shutdown-early": { rule: "TSGI-37", side: "server", expected: "shutdown after every exchange has ended" },
  "fetch-after-shutdown": { rule: "TSGI-37", side: "server", expected: "no fetch after shutdown" },
  "body-released-before-signal": {
    rule: "TSGI-40",
    side: "server",
    expected: "signal to abort before a body is dropped",
  },
  "body-released-twice": { rule: "TSGI-40", side: "server", expected: "a dropped body to be released once" },
  "body-not-released": { rule: "TSGI-40", side: "server", expected: "a dropped body to be released" },
  "upgrade-without-handshake": {
    rule: "TSGI-44",
    side: "server",
    expected: "upgradeWebSocket only where the request is a WebSocket handshake",
  },
  "upgrade-twice": { rule: "TSGI-45", side: "application", expected: "one call of upgradeWebSocket" },
  "upgrade-response-lost": {
    rule: "TSGI-45",
    side: "application",
    expected: "a response with status 101 after upgradeWebSocket",
  },
  "upgrade-protocol": { rule: "TSGI-45", side: "application", expected: "a protocol that the client offered" },
  "upgrade-result": {
    rule: "TSGI-47",
    side: "server",
    expected: "a connecting WebSocket with binaryType arraybuffer, and a response with status 101",
  },
  "draining-kind": { rule: "TSGI-51", side: "server", expected: "an AbortSignal" },
  "draining-shared": { rule: "TSGI-51", side: "server", expected: "one draining signal for all exchanges" },
  "draining-reason": { rule: "TSGI-51", side: "server", expected: "an ExchangeError with the code SERVER_CLOSED" },
  "server-info": {
    rule: "TSGI-54",
    side: "server",
    expected: "a ServerInfo: software, and specVersion as major.minor",
  },
} as const;

/** The name of a check, as SPEC.md has it. */
export type CheckName = keyof typeof TABLE;

/** All checks by name. */
export const checks: Readonly<Record<CheckName, Check>> = TABLE;
