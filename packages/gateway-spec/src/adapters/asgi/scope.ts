/** The scope of a connection, and the conversion of ASGI's byte strings. */
import type { Address, Exchange, IncomingRequest } from "../../index.ts";
import { checkField, CONNECTION_FIELDS } from "../../server-kit/fields.ts";
import { describe } from "../../server-kit/handler-result.ts";
import type { Bytes, HttpScope, SentHeaders, WebSocketScope } from "./types.ts";
import { percentDecode, splitUrl } from "../url-parts.ts";

/** The version of the HTTP and WebSocket text that this adapter follows. */
export const SPEC_VERSION = "2.5";

export function toHttpScope(request: IncomingRequest, exchange: Exchange, state: Record<string, unknown>): HttpScope {
  const extensions: Record<string, object> = { "http.response.trailers": {} };
  if (exchange.sendInformational !== undefined) extensions["http.response.early_hint"] = {};
  return {
    type: "http",
    ...connection(request, exchange, state),
    method: request.method.toUpperCase(),
    scheme: exchange.encrypted ? "https" : "http",
    extensions,
  };
}

export function toWebSocketScope(
  request: IncomingRequest,
  exchange: Exchange,
  state: Record<string, unknown>,
): WebSocketScope {
  const offered = request.headers.get("sec-websocket-protocol");
  return {
    type: "websocket",
    ...connection(request, exchange, state),
    scheme: exchange.encrypted ? "wss" : "ws",
    subprotocols: offered === null ? [] : offered.split(",").map((name) => name.trim()),
    extensions: { "websocket.http.response": {} },
  };
}

function connection(request: IncomingRequest, exchange: Exchange, state: Record<string, unknown>) {
  const { path, query } = splitUrl(request.url);
  const headers: [Uint8Array, Uint8Array][] = [];
  for (const [name, value] of request.headers) headers.push([latin1(name), latin1(value)]);
  const { localAddress } = exchange;
  return {
    asgi: { version: "3.0", spec_version: SPEC_VERSION },
    http_version: exchange.protocol,
    path: percentDecode(path).toString("utf8"),
    raw_path: latin1(path),
    query_string: latin1(query),
    root_path: "",
    headers,
    client: toPair(exchange.remoteAddress),
    server: localAddress?.transport === "unix" ? ([localAddress.path, null] as const) : toPair(localAddress),
    state,
    "tsgi.exchange": exchange,
  } as const;
}

/**
 * Header fields. Strings and bytes are ISO-8859-1.
 * @throws TypeError if a field cannot be sent; the message says what to write.
 */
export function toFields(headers: SentHeaders = []): [string, string][] {
  if (typeof headers !== "object" || !(Symbol.iterator in headers)) {
    throw new TypeError(
      `ASGI: headers must be pairs, such as [["content-type", "text/plain"]], not ${describe(headers)}`,
    );
  }
  return Array.from(headers, (pair: unknown) => {
    const items: unknown = Array.isArray(pair) ? pair : null;
    if (!isPair(items)) {
      throw new TypeError(
        `ASGI: each header must be a pair, such as ["content-type", "text/plain"], not ${describe(pair)}`,
      );
    }
    const [name, value] = items.map(toText) as [string, string];
    checkField(name, value);
    if (CONNECTION_FIELDS.has(name.toLowerCase())) {
      throw new TypeError(`ASGI: leave out the header ${name}: the server controls the connection`);
    }
    return [name, value];
  });
}

function isPair(value: unknown): value is readonly [unknown, unknown] {
  return Array.isArray(value) && value.length === 2;
}

function toText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Uint8Array)
    return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("latin1");
  throw new TypeError(`ASGI: the name and the value of a header must be byte strings, not ${describe(value)}`);
}

/** @throws TypeError if it is neither a string nor bytes. */
export function toBody(value: Bytes = ""): Uint8Array {
  if (typeof value === "string") return Buffer.from(value);
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`ASGI: a body must be a byte string, not ${describe(value)}`);
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

function toPair(address: Address | null): readonly [string, number] | null {
  return address?.transport === "tcp" ? [address.hostname, address.port] : null;
}
