/** The scope of a connection, and the way between ASGI's byte strings and ours. */
import type { Address, Exchange, IncomingRequest } from "../../index.ts";
import type { Bytes, HttpScope, SentHeaders, WebSocketScope } from "./types.ts";
import { percentDecode, splitUrl } from "../url-parts.ts";

/** The version of the text on HTTP and WebSocket that is kept. */
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

/** ASGI's pairs as fields. */
export function toFields(headers: SentHeaders = []): [string, string][] {
  return Array.from(headers, ([name, value]) => [toText(name), toText(value)]);
}

export function toText(value: Bytes): string {
  return typeof value === "string" ? value : Buffer.from(value).toString("latin1");
}

/** @throws TypeError where it is neither. */
export function toBody(value: Bytes = ""): Uint8Array {
  if (typeof value === "string") return Buffer.from(value);
  if (value instanceof Uint8Array) return value;
  throw new TypeError(`ASGI: a body is a byte string, not ${typeof value}`);
}

function latin1(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

function toPair(address: Address | null): readonly [string, number] | null {
  return address?.transport === "tcp" ? [address.hostname, address.port] : null;
}
