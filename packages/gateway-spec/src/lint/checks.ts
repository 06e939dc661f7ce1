/** Every check of the lint: the rule of SPEC.md, the side that the rule binds, and what the rule expects. */

export interface Check {
  /** Such as `TSGI-16`. */
  readonly rule: string;
  /** The side that violates the rule. */
  readonly side: "server" | "application";
  /** A noun phrase. */
  readonly expected: string;
}

const TABLE = {
  "request-method": { rule: "TSGI-1", side: "server", expected: "a token" },
  "request-url": {
    rule: "TSGI-2",
    side: "server",
    expected: "an absolute http or https URL without a fragment, with the percent-encoding of the target",
  },
  "request-url-scheme": { rule: "TSGI-3", side: "server", expected: "https if and only if the exchange is encrypted" },
  "request-header-name": { rule: "TSGI-4", side: "server", expected: "a lower-case token" },
  "request-header-value": {
    rule: "TSGI-4",
    side: "server",
    expected: "a string of field characters without surrounding white space",
  },
  "request-header-joined": {
    rule: "TSGI-5",
    side: "server",
    expected:
      "each name once (except set-cookie) with the value that get returns; null for an absent field; has agrees with get",
  },
  "header-lookup-case": { rule: "TSGI-6", side: "application", expected: "a lower-case name" },
  "request-body-presence": {
    rule: "TSGI-7",
    side: "server",
    expected: "null if the message has no content, and an async iterable if it has content",
  },
  "request-body-chunk": { rule: "TSGI-8", side: "server", expected: "chunks that are Uint8Arrays" },
  "request-body-chunk-reused": {
    rule: "TSGI-8",
    side: "server",
    expected: "memory that is not written to after the chunk was passed on",
  },
  "request-body-read-twice": { rule: "TSGI-9", side: "application", expected: "one reader of the request body" },
  "request-body-length": { rule: "TSGI-11", side: "server", expected: "as many bytes as the Content-Length" },
  "request-body-error": { rule: "TSGI-11", side: "server", expected: "a rejection with an ExchangeError" },
  "signal-kind": { rule: "TSGI-13", side: "server", expected: "one AbortSignal, the same at each access" },
  "signal-reason": { rule: "TSGI-13", side: "server", expected: "an ExchangeError as the reason of signal" },
  "signal-after-success": {
    rule: "TSGI-13",
    side: "server",
    expected: "no abort of signal after completed has fulfilled",
  },
  "request-trailers": {
    rule: "TSGI-14",
    side: "server",
    expected: "a promise that fulfils with a HeaderView after the end of the body, or rejects with an ExchangeError",
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
    expected: "a string of field characters without surrounding white space",
  },
  "response-connection-field": {
    rule: "TSGI-18",
    side: "application",
    expected: "no connection field, such as Transfer-Encoding",
  },
  "response-content-length": {
    rule: "TSGI-20",
    side: "application",
    expected: "one decimal number: the length of the body in bytes",
  },
  "response-body-kind": {
    rule: "TSGI-21",
    side: "application",
    expected: "a string, a Uint8Array, an async iterable, a stream, null or undefined",
  },
  "response-body-chunk": { rule: "TSGI-22", side: "application", expected: "chunks that are strings or Uint8Arrays" },
  "response-body-chunk-reused": {
    rule: "TSGI-22",
    side: "application",
    expected: "memory that is not written to after the chunk was passed on",
  },
  "response-body-reused": { rule: "TSGI-23", side: "application", expected: "a streamed body that is returned once" },
  "response-body-not-allowed": { rule: "TSGI-24", side: "application", expected: "no body with 204, 205 or 304" },
  "body-pulled-without-content": {
    rule: "TSGI-24",
    side: "server",
    expected: "a body of HEAD, 204, 205 or 304 that is released unread",
  },
  "body-pulled-concurrently": {
    rule: "TSGI-25",
    side: "server",
    expected: "a pull of the next chunk after the previous pull has settled",
  },
  "response-trailer-announced": {
    rule: "TSGI-26",
    side: "application",
    expected: "the name of each trailer in the Trailer field of the head",
  },
  "response-trailer-field": {
    rule: "TSGI-26",
    side: "application",
    expected: "no field for framing, routing, authentication or content in trailers",
  },
  "trailers-call": { rule: "TSGI-26", side: "server", expected: "one call of trailers, after the end of the body" },
  "exchange-member": { rule: "TSGI-27", side: "server", expected: "every member of Exchange, of its type" },
  "exchange-target": { rule: "TSGI-27", side: "server", expected: "a request target (RFC 9112 §3.2)" },
  "member-copied": {
    rule: "TSGI-29",
    side: "application",
    expected: "no copy by spread or Object.assign, because members may be getters",
  },
  "method-detached": {
    rule: "TSGI-29",
    side: "application",
    expected: "members used on the object itself, which they may need as this",
  },
  "completed-early": {
    rule: "TSGI-30",
    side: "server",
    expected: "completed fulfils after the handler has returned and the body has been read to its end",
  },
  "completed-reason": { rule: "TSGI-30", side: "server", expected: "completed rejects with an ExchangeError" },
  "completed-and-signal": {
    rule: "TSGI-30",
    side: "server",
    expected: "signal aborts before completed rejects, and completed does not fulfil for a client that is gone",
  },
  "wait-until-promise": { rule: "TSGI-31", side: "application", expected: "a promise" },
  "capability-kind": { rule: "TSGI-32", side: "server", expected: "a function or no member" },
  "informational-status": { rule: "TSGI-33", side: "application", expected: "an integer from 102 to 199" },
  "informational-late": { rule: "TSGI-33", side: "application", expected: "a call before the handler has returned" },
  "informational-http10": { rule: "TSGI-33", side: "server", expected: "no sendInformational for HTTP/1.0" },
  "startup-once": { rule: "TSGI-35", side: "server", expected: "one call of startup before a shutdown" },
  "fetch-before-startup": { rule: "TSGI-35", side: "server", expected: "no fetch before startup has fulfilled" },
  "state-identity": { rule: "TSGI-36", side: "server", expected: "the value that startup returned" },
  "shutdown-once": { rule: "TSGI-37", side: "server", expected: "one call of shutdown after a startup" },
  "shutdown-early": { rule: "TSGI-37", side: "server", expected: "shutdown after every exchange has ended" },
  "fetch-after-shutdown": { rule: "TSGI-37", side: "server", expected: "no fetch after shutdown" },
  "body-released-before-signal": {
    rule: "TSGI-40",
    side: "server",
    expected: "signal aborts before a body is released",
  },
  "body-released-twice": { rule: "TSGI-40", side: "server", expected: "an abandoned body is released once" },
  "body-not-released": { rule: "TSGI-40", side: "server", expected: "an abandoned body is released" },
  "upgrade-without-handshake": {
    rule: "TSGI-44",
    side: "server",
    expected: "upgradeWebSocket only if the request is a WebSocket handshake",
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

/** The name of a check, as in SPEC.md. */
export type CheckName = keyof typeof TABLE;

/** All checks by name. */
export const checks: Readonly<Record<CheckName, Check>> = TABLE;
